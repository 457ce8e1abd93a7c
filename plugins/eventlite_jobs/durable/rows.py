"""What a row of the table `job` means."""

from __future__ import annotations

from typing import Any, NamedTuple

from eventlite.contracts import JobFailure, JobInfo, JobProgress
from eventlite.jsontext import decode_object, loads

#: How many microseconds of waiting a level of priority is worth: ten minutes.
#:
#: The rank of a job is the time it was due less this, and the lowest rank runs first. It never changes, so that one
#: index holds the order, and whatever its priority a job is overtaken only by those that come soon enough after it.
AGING = 600_000_000

#: The states in which a job is pending: it waits for its time, or for a worker.
SCHEDULED, READY = "scheduled", "ready"

#: States of the table by state of the contract.
STATES = {
    "pending": (SCHEDULED, READY),
    "running": ("running",),
    "done": ("done",),
    "dead": ("dead",),
    "cancelled": ("cancelled",),
}

INFO = (
    "id, name, data, state, attempts, max_attempts, priority, enqueued, due, finished, error, result, "
    "queue, started, failures, progress, uniqueness"
)


class Claim(NamedTuple):
    """A job that this process has claimed; `fence` counts its claims, and only the last one may settle it.

    `started` is None as long as it is not known that the attempt was begun: it was claimed ahead.
    """

    id: int
    fence: int
    name: str
    queue: str
    data: str
    attempts: int
    max_attempts: int
    priority: int
    due: int
    failures: str
    rank: int
    started: int | None


CLAIM = ", ".join(Claim._fields)


def rank(due: int, priority: int) -> int:
    """Where a job stands among those that are due."""
    return due - priority * AGING


def info(row: tuple[Any, ...], max_attempts: int | None) -> JobInfo:
    """What people and programs see of a row of `INFO`; `max_attempts` is what its worker says."""
    failures, progress = loads(row[14]), row[15]
    return JobInfo(
        id=str(row[0]),
        name=row[1],
        data=decode_object(row[2]),
        state="pending" if row[3] in STATES["pending"] else row[3],
        attempts=row[4],
        max_attempts=row[5] if max_attempts is None else max_attempts,
        priority=row[6],
        enqueued=row[7],
        due=row[8],
        finished=row[9],
        error=row[10],
        result=None if row[11] is None else decode_object(row[11])["result"],
        queue=row[12],
        started=row[13],
        failures=tuple(JobFailure(*failure) for failure in failures),
        progress=None if progress is None else JobProgress(*loads(progress)),
        unique=row[16],
    )
