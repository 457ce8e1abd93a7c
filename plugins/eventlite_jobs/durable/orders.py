"""A job that somebody asks for, and how it is made of what callers of `enqueue` say."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, NamedTuple

from eventlite.contracts import DEFAULT_QUEUE
from eventlite.jsontext import canonical, loads
from eventlite_jobs import checks
from eventlite_jobs.checks import checked_name
from eventlite_jobs.durable.desk import Desk


class Order(NamedTuple):
    """A job to be put into the queue; times in microseconds since the epoch, `due` None for at once."""

    name: str
    data: str
    max_attempts: int
    due: int | None = None
    priority: int = 0
    queue: str = DEFAULT_QUEUE
    unique: str | None = None


def ordered(
    desk: Desk,
    job: str,
    data: dict[str, Any] | None,
    *,
    now: int,
    delay: float = 0,
    priority: int = 0,
    run_at: datetime | None = None,
    queue: str = DEFAULT_QUEUE,
    unique: str | bool = False,
) -> Order:
    """The job to put into the queue; raises `JobError` for what cannot be one."""
    checked_name(job, "job")
    if queue != DEFAULT_QUEUE:
        checked_name(queue, "queue")
    text = checks.data_text(data)
    wait = checks.delay_microseconds(delay) if run_at is None else checks.microseconds_until(run_at, now, delay)
    rank = checks.checked_priority(priority)
    return Order(job, text, desk.max_attempts(job), now + wait, rank, queue, _uniqueness(unique, text))


def _uniqueness(unique: str | bool, data: str) -> str | None:
    """What no other unfinished job of the name may have."""
    if unique is False:
        return None
    if unique is True:
        return f"data:{hashlib.sha256(canonical(loads(data))).hexdigest()}"
    return checked_name(unique, "unique")
