"""Events that become durable jobs: behind the appends, from a stored position on, or inside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from eventlite.contracts import Job, Transaction
from eventlite.event import Row
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.enqueueing import Order, insert, insert_all
from eventlite_jobs.positions import Positions
from eventlite_jobs.triggers import Trigger, Triggers, Wanted

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


class Followers:
    """The triggers of this program."""

    def __init__(self, desk: Desk, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake
        self._positions = Positions(TriggerTable(desk, wake))
        self._triggers = Triggers(desk.host, self._positions.take)

    def add(self, trigger: Trigger, after: int | None) -> None:
        """Follow behind the appends."""
        start = self._triggers.start_position(after)
        self._desk.workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)
        trigger.cursor = self._positions.begin(trigger.name, start)
        self._triggers.start(trigger)

    def add_inline(self, trigger: Trigger) -> None:
        """Make the jobs inside the appends."""
        self._desk.workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)
        self._desk.host.inside_appends(InlineTrigger(self._desk, self._triggers, trigger, self._wake))

    def catch_up(self) -> int:
        """Serve the events up to the head; how many that were."""
        return self._triggers.catch_up()

    def _serve_again(self, trigger: Trigger, job: Job) -> None:
        wanted = self._triggers.map_again(trigger, job)
        if wanted is not None:
            with self._desk.database.writing() as session:
                insert(session, _order(self._desk, wanted), self._desk.now())
            self._wake()


class InlineTrigger:
    """Called in the transaction of every append."""

    def __init__(self, desk: Desk, triggers: Triggers, trigger: Trigger, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._triggers = triggers
        self._trigger = trigger
        self._wake = wake
        (self._cmd,) = trigger.query.cmd or ("",)

    def __call__(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        found = [self._triggers.mapped(self._trigger, row) for row in rows if row[5] == self._cmd]
        wanted = [_order(self._desk, one) for one in found if one is not None]
        if wanted:
            with self._desk.database.writing(transaction) as session:
                insert_all(session, wanted, self._desk.now())
            self._wake()


def _order(desk: Desk, wanted: Wanted) -> Order:
    """A job that a trigger wants."""
    return Order(wanted.job, wanted.data, desk.max_attempts(wanted.job))
