"""What a handler returned or raised, as an outcome."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from eventlite import JobError
from eventlite.contracts import JobCancelled, Snooze
from eventlite_jobs.checks import delay_microseconds
from eventlite_jobs.durable.attempt import Attempt
from eventlite_jobs.durable.settling import Outcome
from eventlite_jobs.texts import error_text


class Report(NamedTuple):
    """An attempt is over."""

    attempt: Attempt
    outcome: Outcome
    #: A KeyboardInterrupt or SystemExit of the handler, which goes on to whoever runs the jobs.
    interrupt: BaseException | None = None


def returned(attempt: Attempt, result: Any) -> Report:
    """The handler returned."""
    attempt.ended = time.monotonic()
    if isinstance(result, Snooze):
        return raised(attempt, result)
    return Report(attempt, Outcome("done", result))


def raised(attempt: Attempt, error: BaseException) -> Report:
    """The handler raised, whatever it was."""
    attempt.ended = time.monotonic()
    if isinstance(error, Snooze):
        return Report(attempt, _snoozed(error))
    if isinstance(error, JobCancelled):
        return Report(attempt, Outcome("cancelled"))
    if attempt.stopping == "cancelled":
        return Report(attempt, Outcome("cancelled", error=error_text(error)))
    outcome = Outcome("failed", error=error_text(error))
    return Report(attempt, outcome, None if isinstance(error, Exception) else error)


def _snoozed(snooze: Snooze) -> Outcome:
    try:
        return Outcome("snoozed", seconds=delay_microseconds(snooze.seconds) / 1_000_000)
    except JobError as error:
        return Outcome("failed", error=error_text(error))
