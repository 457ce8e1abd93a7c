"""One job in memory, and the states it goes through. A record never changes: every step makes a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from eventlite.contracts import JobInfo
from eventlite.jsontext import decode_object
from eventlite_jobs.texts import NO_RESULT, error_text, result_text
from eventlite_jobs.threads.tasks import Task


@dataclass(frozen=True, slots=True)
class Record:
    """A job; times in microseconds since the epoch."""

    id: str
    #: Counts the jobs of this dispatcher in the order in which they were enqueued.
    number: int
    name: str
    #: JSON text, so that no handler can change what a later attempt gets.
    data: str
    priority: int
    enqueued: int
    due: int
    state: str = "pending"
    attempts: int = 0
    finished: int | None = None
    error: str | None = None
    #: JSON text of an object that holds the result.
    result: str = NO_RESULT


def started(record: Record) -> Record:
    """An attempt has begun."""
    return replace(record, state="running", attempts=record.attempts + 1)


def succeeded(record: Record, result: object, now: int) -> Record:
    """The handler returned; what is not JSON of its result is not kept."""
    return replace(record, state="done", finished=now, error=None, result=result_text(result))


def postponed(record: Record, error: BaseException, due: int) -> Record:
    """The attempt failed and another one follows."""
    return replace(record, state="pending", error=error_text(error), due=due)


def died(record: Record, error: BaseException, now: int) -> Record:
    """The last attempt failed."""
    return replace(record, state="dead", error=error_text(error), finished=now)


def cancelled(record: Record, now: int) -> Record:
    """Taken out of the queue."""
    return replace(record, state="cancelled", finished=now)


def revived(record: Record, now: int) -> Record:
    """Back in the queue, with all its attempts before it."""
    return replace(record, state="pending", attempts=0, finished=None, due=now)


def task(record: Record) -> Task:
    """What the handler gets: its own copy of the data."""
    return Task(record.id, record.name, decode_object(record.data), record.attempts)


def info(record: Record, max_attempts: int) -> JobInfo:
    """What people and programs see of it."""
    return JobInfo(
        id=record.id,
        name=record.name,
        data=decode_object(record.data),
        state=record.state,
        attempts=record.attempts,
        max_attempts=max_attempts,
        priority=record.priority,
        enqueued=record.enqueued,
        due=record.due,
        finished=record.finished,
        error=record.error,
        result=decode_object(record.result)["result"],
    )
