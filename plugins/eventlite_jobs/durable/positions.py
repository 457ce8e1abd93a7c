"""Up to which event each trigger is served, kept in the store."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eventlite.contracts import Transaction
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.enqueueing import insert_all
from eventlite_jobs.durable.orders import Order
from eventlite_jobs.triggers import Wanted

_GET = "SELECT position FROM @job_trigger WHERE name = ?"
_ADD = "INSERT INTO @job_trigger (name, position) VALUES (?, ?) ON CONFLICT DO NOTHING"
_MOVE = "UPDATE @job_trigger SET position = ? WHERE name = ? AND position = ?"


class TriggerTable:
    """The positions of triggers, in the store: see `eventlite_jobs.positions.Ledger`."""

    def __init__(self, desk: Desk, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake

    def begin(self, name: str, position: int) -> int:
        """Where the trigger goes on: where it was, or at `position` if it is new."""
        with self._desk.database.reading() as session:
            found = session and session.row(_GET, (name,))
        if not found:
            with self._desk.database.writing() as session:
                session.run(_ADD, (name, position))
                found = session.row(_GET, (name,))
        return int(found[0]) if found else position

    def move(self, name: str, stored: int, position: int, wanted: Sequence[Wanted]) -> int:
        """Create the jobs and move on, unless another process has."""
        with self._desk.database.writing() as session:
            if session.run(_MOVE, (position, name, stored)):
                insert_all(session, [_order(self._desk, one) for one in wanted], self._desk.now())
            else:
                found = session.row(_GET, (name,))
                position = found[0] if found else position
        self._wake()
        return position

    def add(self, wanted: Sequence[Wanted], transaction: Transaction | None = None) -> None:
        """Create jobs, in the transaction if there is one."""
        with self._desk.database.writing(transaction) as session:
            insert_all(session, [_order(self._desk, one) for one in wanted], self._desk.now())
        self._wake()


def _order(desk: Desk, wanted: Wanted) -> Order:
    """A job that a trigger wants."""
    return Order(wanted.job, wanted.data, desk.max_attempts(wanted.job))
