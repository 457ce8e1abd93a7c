"""Putting jobs into procrastinate's tables."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import psycopg
from procrastinate.jobs import Job

from eventlite.contracts import DEFAULT_QUEUE, Transaction
from eventlite.event import from_microseconds, to_microseconds
from eventlite.jsontext import decode_object
from eventlite_jobs import checks
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.procrastinate.tables import MAX_NAME


def enqueue(
    database: Database,
    job: str,
    datas: Iterable[dict[str, Any] | None],
    *,
    delay: float = 0,
    priority: int = 0,
    run_at: datetime | None = None,
    queue: str = DEFAULT_QUEUE,
    transaction: Transaction | None = None,
) -> list[str]:
    """Put jobs of one name into the queue, all or nothing; their ids. Raises `JobError` for what cannot be one."""
    order = Job(
        task_name=checks.checked_name(job, "job", MAX_NAME),
        queue=checks.checked_name(queue, "queue", MAX_NAME),
        priority=checks.checked_priority(priority),
        lock=None,
        queueing_lock=None,
    )
    arguments = [decode_object(checks.data_text(data)) for data in datas]
    wait, at_once = checks.delay_microseconds(delay), run_at is None and not delay
    with _connected(database, transaction, at_once) as connection:
        due = None if at_once else _due(connection, wait, run_at)
        return database.defer(connection, [order.evolve(task_kwargs=one, scheduled_at=due) for one in arguments])


def _connected(
    database: Database, transaction: Transaction | None, at_once: bool
) -> AbstractContextManager[psycopg.Connection[Any]]:
    """What is not put in at once takes two statements: the first one asks for the time."""
    return database.writing(transaction) if at_once or transaction is not None else database.transaction()


def _due(connection: psycopg.Connection[Any], wait: int, run_at: datetime | None) -> datetime:
    """When a job is due by the clock of the database, which stands still in a transaction."""
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now = to_microseconds(row[0])
    if run_at is not None:
        wait = checks.microseconds_until(run_at, now, wait)
    return from_microseconds(now + wait)
