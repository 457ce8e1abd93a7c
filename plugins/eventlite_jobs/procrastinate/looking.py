"""Jobs as they stand: procrastinate's rows, the times of what happened to them, and what was kept of their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from eventlite.contracts import JobInfo
from eventlite.contracts.jobs import JOB_STATES
from eventlite.event import to_microseconds
from eventlite.jsontext import decode_object

#: procrastinate's states by state of the contract.
STATES = {
    "pending": ("todo",),
    "running": ("doing", "aborting"),
    "done": ("succeeded",),
    "dead": ("failed",),
    "cancelled": ("cancelled", "aborted"),
}
_OURS = {theirs: ours for ours, names in STATES.items() for theirs in names}

_FIND = """
SELECT job.id, job.task_name, job.args, job.status::text, job.attempts, job.priority, job.scheduled_at, job.queue_name,
       happened.enqueued, happened.started, happened.ended, outcome.error, outcome.result
FROM procrastinate_jobs AS job
LEFT JOIN eventlite_job_outcomes AS outcome ON outcome.job_id = job.id
CROSS JOIN LATERAL (
    SELECT min(at) FILTER (WHERE type = 'deferred') AS enqueued,
           max(at) FILTER (WHERE type = 'started') AS started,
           max(at) FILTER (WHERE type IN ('succeeded', 'failed', 'cancelled', 'aborted')) AS ended
    FROM procrastinate_events WHERE job_id = job.id
) AS happened
"""
_GET = f"{_FIND} WHERE job.id = %s"
_NEWEST = f"""{_FIND}
WHERE (%(states)s::procrastinate_job_status[] IS NULL OR job.status = ANY(%(states)s))
  AND (%(name)s::text IS NULL OR job.task_name = %(name)s) AND (%(queue)s::text IS NULL OR job.queue_name = %(queue)s)
ORDER BY job.id DESC LIMIT %(limit)s
"""
_COUNT = "SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status"
_QUEUES = """
SELECT queue_name, count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing')
FROM procrastinate_jobs GROUP BY queue_name ORDER BY queue_name
"""
_REVIVE = """
UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, abort_requested = false, scheduled_at = now()
WHERE id = %s AND status = ANY(%s::procrastinate_job_status[])
"""


def get(connection: psycopg.Connection[Any], id: int) -> tuple[Any, ...] | None:
    """The row of a job."""
    return connection.execute(_GET.encode(), (id,)).fetchone()


def newest(
    connection: psycopg.Connection[Any], limit: int, state: str | None, name: str | None, queue: str | None
) -> list[tuple[Any, ...]]:
    """Rows of jobs, the newest first."""
    states = None if state is None else list(STATES[state])
    wanted = {"states": states, "name": name, "queue": queue, "limit": limit}
    return connection.execute(_NEWEST.encode(), wanted).fetchall()


def counts(connection: psycopg.Connection[Any]) -> dict[str, int]:
    """How many jobs are in each state."""
    found = dict.fromkeys(JOB_STATES, 0)
    for status, count in connection.execute(_COUNT):
        found[_OURS[status]] += count
    return found


def queues(connection: psycopg.Connection[Any]) -> Sequence[tuple[str, int, int]]:
    """For each queue its name, and how many of its jobs are pending and running."""
    return connection.execute(_QUEUES).fetchall()


def revive(connection: psycopg.Connection[Any], id: int) -> bool:
    """Put a dead or cancelled job back, with all its attempts before it; whether it was one."""
    return connection.execute(_REVIVE, (id, [*STATES["dead"], *STATES["cancelled"]])).rowcount == 1


def info(row: tuple[Any, ...], max_attempts: int) -> JobInfo:
    """What people and programs see of a row."""
    id, name, data, status, attempts, priority, scheduled, queue, enqueued, started, ended, error, result = row
    state, first = _OURS[status], _micros(enqueued) or 0
    over = state in ("done", "dead", "cancelled")
    return JobInfo(
        id=str(id),
        name=name,
        data=data,
        state=state,
        attempts=attempts + (state == "running"),
        max_attempts=max_attempts,
        priority=priority,
        enqueued=first,
        due=_micros(scheduled) or first,
        finished=_micros(ended) if over else None,
        error=None if state == "done" else error,
        result=decode_object(result)["result"] if state == "done" and result else None,
        queue=queue,
        started=_micros(started),
    )


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)
