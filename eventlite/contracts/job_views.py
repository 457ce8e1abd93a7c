"""What people and programs see of jobs, queues and schedules: plain values, times in microseconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

#: The states of a job: waiting for its (next) attempt; in one; finished well; out of attempts; taken out of the queue.
JOB_STATES = ("pending", "running", "done", "dead", "cancelled")

#: The queue of a job that names none.
DEFAULT_QUEUE = "default"


class JobFailure(NamedTuple):
    """One failed attempt: its number, when it failed (microseconds since the epoch) and what it raised."""

    attempt: int
    at: int
    error: str


class JobProgress(NamedTuple):
    """How far a handler says it is: a fraction from 0 to 1, and a few words."""

    done: float
    note: str


class QueueInfo(NamedTuple):
    """One queue as it stands; `limit` is how many of its jobs may run at once, over all processes."""

    name: str
    paused: bool
    limit: int | None
    pending: int
    running: int


class ScheduleInfo(NamedTuple):
    """A recurring job: what it enqueues, when next (microseconds since the epoch), and its rule in words."""

    name: str
    job: str
    rule: str
    next: int
    last: int | None


class Durations(NamedTuple):
    """How long something took, in seconds."""

    mean: float
    median: float
    #: What 95 of 100 stayed within.
    most: float


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """What a queue does; times in microseconds since the epoch."""

    #: As `stats`.
    by_state: Mapping[str, int]
    #: For each job's name how many are in each state, those without any left out.
    by_name: Mapping[str, Mapping[str, int]]
    #: Since when the pending job that waits longest has been due; None if none is due.
    oldest_pending: int | None
    #: Jobs that were done, and that died, in a minute, over the window.
    done_per_minute: float
    dead_per_minute: float
    #: From being due to the last attempt's begin, and from there to its end, of the last 1,000 jobs of the window.
    wait: Durations | None
    run: Durations | None


@dataclass(frozen=True, slots=True)
class JobInfo:
    """One job as it stands, in a copy. Times in microseconds since the epoch."""

    id: str
    name: str
    data: dict[str, Any]
    #: One of `JOB_STATES`.
    state: str
    #: How many attempts were begun since it was enqueued, or since it was put back with `retry`.
    attempts: int
    #: As its worker says; the dispatcher's own number as long as it knows no worker of that name.
    max_attempts: int
    priority: int
    enqueued: int
    #: When it may run: for a failed job that is tried again, the time of its next attempt.
    due: int
    #: When it was done, dead or cancelled.
    finished: int | None
    #: What the last attempt raised, as "Type: text"; None once it is done.
    error: str | None
    #: What the worker's function returned, as JSON gives it back; None if that was not JSON.
    result: Any
    queue: str = DEFAULT_QUEUE
    #: When its last attempt was begun.
    started: int | None = None
    #: Its failed attempts, the last ones, in order; only where the dispatcher keeps them.
    failures: tuple[JobFailure, ...] = ()
    #: What its handler reported last.
    progress: JobProgress | None = None
    #: What no other unfinished job of that name may have.
    unique: str | None = None
