"""Pausing and limiting queues."""

from __future__ import annotations

from eventlite.contracts import QueueInfo
from eventlite_jobs.durable.enqueueing import add_queue
from eventlite_jobs.durable.session import Session

_LIST = "SELECT name, paused, most FROM @job_queue ORDER BY name"
_COUNT = (
    "SELECT queue, state = 'running', count(*) FROM @job WHERE state IN ('ready', 'scheduled', 'running') GROUP BY 1, 2"
)
_PAUSE = "UPDATE @job_queue SET paused = ? WHERE name = ?"
_LIMIT = "UPDATE @job_queue SET most = ? WHERE name = ?"


def set_paused(session: Session, queue: str, paused: bool) -> None:
    """Pause a queue, or go on with it."""
    session.announce()
    add_queue(session, queue)
    session.run(_PAUSE, (int(paused), queue))


def set_limit(session: Session, queue: str, most: int | None) -> None:
    """Let so many of its jobs run at once."""
    session.announce()
    add_queue(session, queue)
    session.run(_LIMIT, (most, queue))


def listed(session: Session) -> list[QueueInfo]:
    """Every queue with what is in it."""
    counts = {(queue, bool(running)): count for queue, running, count in session.rows(_COUNT)}
    return [
        QueueInfo(name, bool(paused), most, counts.get((name, False), 0), counts.get((name, True), 0))
        for name, paused, most in session.rows(_LIST)
    ]
