"""What callers hand to a dispatcher, checked; each function raises `JobError`."""

from __future__ import annotations

import inspect
import math
from datetime import datetime

from eventlite import InvalidEventError, JobError
from eventlite.contracts.jobs import JOB_STATES
from eventlite.drafting import check_name
from eventlite.errors import suggestion
from eventlite.jsontext import encode_object, is_unicode

#: The longest delay of a job, in seconds: a hundred years.
MAX_DELAY = 100 * 365 * 86_400

#: A priority is an integer of 32 bits.
MAX_PRIORITY = 2**31 - 1


def checked_name(value: str, what: str, longest: int = 255) -> str:
    """The name, a text of 1 to `longest` characters; `what` says in an error which one it is."""
    try:
        check_name(value, what)
    except InvalidEventError as error:
        raise JobError(error.message, hint=error.hint) from None
    if len(value) > longest:
        raise JobError(f"{what} has {len(value)} characters, and this dispatcher takes {longest}", hint="Shorten it.")
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


def microseconds_until(run_at: object, now: int, delay: object = 0) -> int:
    """The microseconds from `now` to an aware time, 0 for one that is over; `delay` must not be given as well."""
    if not isinstance(run_at, datetime) or run_at.tzinfo is None:
        raise JobError(f"run_at must be an aware datetime, not {run_at!r}", hint="datetime(..., tzinfo=timezone.utc).")
    if delay != 0:
        raise JobError("a job has a delay or a time, not both", hint="Leave out `delay` or `run_at`.")
    wait = round(run_at.timestamp() * 1_000_000) - now
    if wait > MAX_DELAY * 1_000_000:
        raise JobError(f"run_at is {run_at.isoformat()}, more than a hundred years from now")
    return max(0, wait)


def checked_timeout(timeout: object) -> float | None:
    """Seconds that an attempt may take; None is no limit."""
    if timeout is not None and (type(timeout) not in (int, float) or not 0 < timeout <= MAX_DELAY):  # type: ignore[operator]
        raise JobError(f"timeout must be seconds above 0, not {timeout!r}")
    return timeout  # type: ignore[return-value]


def checked_count(value: object, what: str) -> int:
    """An int from 1 on; `what` says in an error which one it is."""
    if type(value) is not int or value < 1:
        raise JobError(f"{what} must be an int from 1 on, not {value!r}")
    return value


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
        raise JobError(f"no job is ever {state!r}", hint=suggestion(state, JOB_STATES))
    return state


def checked_limit(limit: object) -> int:
    """How many jobs a list may have."""
    if type(limit) is not int or limit < 0:
        raise JobError(f"limit must be an int from 0 on, not {limit!r}")
    return limit


def check_callable(function: object, what: str) -> None:
    """Accept only what can be called."""
    if not callable(function):
        raise JobError(f"{what} must be a function, not {function!r}")


def check_plain(function: object, what: str) -> None:
    """Accept only what can be called and returns when it is done."""
    check_callable(function, what)
    if inspect.iscoroutinefunction(function):
        raise JobError(
            f"{what} is an async function, which this dispatcher does not await",
            hint="Register a plain function; it may call asyncio.run.",
        )


def check_importable(function: object, what: str) -> None:
    """Accept only what another process finds by its module and name."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<none>")
    if module in (None, "__main__") or "<" in name:
        raise JobError(
            f"{what} is to run in a process of its own, which cannot import {name} from {module}",
            hint="Register a function at the top of a module that can be imported, not of the program itself.",
        )


def checked_progress(done: object, note: object) -> None:
    """Accept only a fraction and a text."""
    fraction = type(done) in (int, float) and 0 <= done <= 1  # type: ignore[operator]
    if not fraction or not isinstance(note, str) or not is_unicode(note):
        raise JobError(f"progress is a number from 0 to 1 and a text, not {done!r} and {note!r}")
