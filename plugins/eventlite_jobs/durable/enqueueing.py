"""Putting jobs into the table."""

from __future__ import annotations

from collections.abc import Sequence

from eventlite.contracts.jobs import DEFAULT_QUEUE
from eventlite_jobs.durable.orders import Order
from eventlite_jobs.durable.rows import READY, SCHEDULED, rank
from eventlite_jobs.durable.session import Session

_COLUMNS = "queue, name, state, priority, due, rank, data, max_attempts, enqueued, uniqueness"
_INSERT = f"INSERT INTO @job ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_ONE = f"{_INSERT} RETURNING id"
_INSERT_UNIQUE = f"{_INSERT} ON CONFLICT DO NOTHING RETURNING id"
_FIND_UNIQUE = "SELECT id FROM @job WHERE name = ? AND uniqueness = ? AND finished IS NULL"
_ADD_QUEUE = "INSERT INTO @job_queue (name) VALUES (?) ON CONFLICT DO NOTHING"


def insert(session: Session, order: Order, now: int) -> int:
    """Put one job into the queue, and return its number, or that of the unfinished one that it would double."""
    session.announce()
    add_queue(session, order.queue)
    values = _values(order, now)
    if order.unique is None:
        return int(session.rows(_INSERT_ONE, values)[0][0])
    while True:
        inserted = session.rows(_INSERT_UNIQUE, values) or session.rows(_FIND_UNIQUE, (order.name, order.unique))
        if inserted:  # else the other one was finished between the two statements
            return int(inserted[0][0])


def insert_all(session: Session, orders: Sequence[Order], now: int) -> None:
    """Put many jobs into the queue, none of them unique."""
    session.announce()
    for queue in dict.fromkeys(order.queue for order in orders):
        add_queue(session, queue)
    session.run_many(_INSERT, [_values(order, now) for order in orders])


def add_queue(session: Session, queue: str) -> None:
    """Make a queue known; the default one always is."""
    if queue != DEFAULT_QUEUE:
        session.run(_ADD_QUEUE, (queue,))


def _values(order: Order, now: int) -> tuple[object, ...]:
    due = now if order.due is None else order.due
    state = SCHEDULED if due > now else READY
    place = rank(due, order.priority)
    return (
        order.queue,
        order.name,
        state,
        order.priority,
        due,
        place,
        order.data,
        order.max_attempts,
        now,
        order.unique,
    )
