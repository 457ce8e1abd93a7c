"""What callers hand to a dispatcher, checked; each function raises `JobError`."""

from __future__ import annotations

import inspect
import math
from difflib import get_close_matches

from eventlite import InvalidEventError, JobError
from eventlite.contracts.jobs import JOB_STATES
from eventlite.drafting import check_name
from eventlite.jsontext import encode_object

#: The longest delay of a job, in seconds: a hundred years.
MAX_DELAY = 100 * 365 * 86_400

#: A priority is an integer of 32 bits.
MAX_PRIORITY = 2**31 - 1


def checked_name(value: str, what: str) -> str:
    """The name, a text of 1 to 255 characters; `what` says in an error which one it is."""
    try:
        check_name(value, what)
    except InvalidEventError as error:
        raise JobError(error.message, hint=error.hint) from None
    return value


def data_text(data: object) -> str:
    """A job's data as JSON text; None is an empty object."""
    try:
        return encode_object({} if data is None else data, "data")
    except InvalidEventError as error:
        raise JobError(error.message, hint=error.hint) from None


def delay_microseconds(delay: object) -> int:
    """A delay of seconds in microseconds."""
    if type(delay) not in (int, float) or not 0 <= delay <= MAX_DELAY:  # type: ignore[operator]
        raise JobError(f"delay must be seconds from 0 to {MAX_DELAY:,}, not {delay!r}")
    return math.ceil(delay * 1_000_000)  # type: ignore[operator]


def checked_priority(priority: object) -> int:
    """The priority."""
    if type(priority) is not int or abs(priority) > MAX_PRIORITY:
        raise JobError(f"priority must be an int from -{MAX_PRIORITY} to {MAX_PRIORITY}, not {priority!r}")
    return priority


def checked_retries(retries: object) -> int:
    """How often a failed job is tried again."""
    if type(retries) is not int or retries < 0:
        raise JobError(f"retries must be an int from 0 on, not {retries!r}", hint="retries=3 means four attempts.")
    return retries


def checked_state(state: object) -> str:
    """The name of a job's state."""
    if not isinstance(state, str) or state not in JOB_STATES:
        close = get_close_matches(str(state), JOB_STATES, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"States are: {', '.join(JOB_STATES)}."
        raise JobError(f"no job is ever {state!r}", hint=hint)
    return state


def checked_limit(limit: object) -> int:
    """How many jobs a list may have."""
    if type(limit) is not int or limit < 0:
        raise JobError(f"limit must be an int from 0 on, not {limit!r}")
    return limit


def check_plain(function: object, what: str) -> None:
    """Accept only what can be called and returns when it is done."""
    if not callable(function):
        raise JobError(f"{what} must be a function, not {function!r}")
    if inspect.iscoroutinefunction(function):
        raise JobError(
            f"{what} is an async function, which this dispatcher does not await",
            hint="Register a plain function; it may call asyncio.run.",
        )
