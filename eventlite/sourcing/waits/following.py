"""What moves waits on: events, the clock, and nothing else.

Nobody holds the waits: any process may evaluate them. What was read without a lock is looked at again inside the
transaction that writes, and there every wait is as the last writer left it; so each event counts once, whoever is
killed or comes second.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from json import JSONDecodeError
from typing import TYPE_CHECKING

from eventlite.errors import EventLiteError, HandlerError, StorageError
from eventlite.event import NewEvent, Row, damaged
from eventlite.query import ALL_EVENTS
from eventlite.sourcing import consumer
from eventlite.sourcing.waits.index import WaitIndex
from eventlite.sourcing.waits.records import due_waits, find_open, save
from eventlite.sourcing.waits.wait import Wait

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateStore
    from eventlite.contracts.storage import Snapshot, Transaction

CONSUMER = "waits"

#: Events looked at in one transaction.
BATCH = 1000

#: Events that concern no wait before the position is written down all the same.
KEEP_POSITION = 10_000


@dataclass
class _Step:
    """What one batch of events, and the clock, make of the waits."""

    #: The position before it, as stored.
    stored: consumer.Consumer
    #: The position after it.
    position: int
    #: Whether there were no more events.
    at_head: bool
    #: Whether events were looked at: without open waits there is no need.
    watching: bool
    #: The waits that were looked at, as they are after it; None for a closed one.
    waits: dict[int, Wait | None] = field(default_factory=dict)
    #: The numbers of those that events moved on, in the order of the events that came last.
    moved: dict[int, None] = field(default_factory=dict)
    #: The numbers of those that were ready before, or whose deadline has come.
    due: list[int] = field(default_factory=list)

    @property
    def worth_writing(self) -> bool:
        far = self.watching and self.position - self.stored.position >= KEEP_POSITION
        return far or bool(self.moved or self.due)

    @property
    def done(self) -> int:
        return len({*self.moved, *self.due})

    def move(self, wait: Wait) -> None:
        self.waits[wait.id] = wait
        self.moved.pop(wait.id, None)
        self.moved[wait.id] = None

    def changed(self) -> list[Wait]:
        """Waits that events moved on."""
        return [wait for id in self.moved if (wait := self.waits[id])]

    def settling(self) -> list[Wait]:
        """Waits that append now, or end: first what events completed, in the order of those."""
        met = [wait for wait in self.changed() if wait.state == "ready"]
        return met + [wait for id in self.due if (wait := self.waits[id])]


class WaitFollower:
    """Evaluates the waits of a store; not for several threads at once."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._index = WaitIndex()
        self._position = 0

    def catch_up(self) -> int:
        """Move on every wait that events or the clock concern; how many were moved."""
        moved, at_head = 0, False
        while not at_head:
            with self._host.storage.snapshot() as snapshot:  # looking costs nobody anything
                step = self._step(snapshot)
            if step.worth_writing:
                step = self._take()
            self._position = step.position
            moved += step.done
            at_head = step.at_head
        return moved

    def _step(self, view: Snapshot | Transaction) -> _Step:
        stored = consumer.find(view.state, CONSUMER) or consumer.Consumer(CONSUMER)
        self._index.refresh(view.state)
        if stored.paused:
            return _Step(stored, self._position, at_head=True, watching=False)
        watching = len(self._index) > 0
        position = max(self._position, stored.position) if watching else view.head()
        rows = view.read(ALL_EVENTS, after=position, limit=BATCH) if watching else []
        step = _Step(stored, rows[-1][0] if rows else position, len(rows) < BATCH, watching)
        for row in rows:
            try:
                self._count(view, step, row)
            except JSONDecodeError:
                raise damaged(row) from None
        if step.at_head:  # an event recorded before a deadline counts, however late it is looked at
            self._look_at_the_clock(view, step)
        return step

    def _count(self, view: Snapshot | Transaction, step: _Step, row: Row) -> None:
        for id in self._index.candidates(row):
            if id not in step.waits:
                step.waits[id] = self._found(view, id)
            wait = step.waits[id]
            if wait is not None and (after := wait.after(row)) is not wait:
                step.move(after)

    def _found(self, view: Snapshot | Transaction, id: int) -> Wait | None:
        wait = find_open(view.state, id)
        if wait is None:
            self._index.drop(id)
        else:
            self._index.know(wait)
        return wait

    def _look_at_the_clock(self, view: Snapshot | Transaction, step: _Step) -> None:
        for wait in due_waits(view.state, self._host.clock()):
            now = step.waits.setdefault(wait.id, wait)
            if now is not None and (now.state == wait.state):  # else events have just completed it
                step.due.append(wait.id)

    def _take(self) -> _Step:
        """The next step, in one transaction with what it appends."""
        try:
            with self._host.transaction() as transaction:
                step = self._step(transaction)
                self._write(transaction, step)
                for wait in step.settling():
                    self._settle(transaction, wait)
        except HandlerError:
            step = self._take_apart()
        for wait in step.settling():
            self._index.drop(wait.id)
        return step

    def _take_apart(self) -> _Step:
        """The next step with a transaction for each append: a handler refused one of them, and the others go on."""
        with self._host.transaction() as transaction:
            step = self._step(transaction)
            self._write(transaction, step)
        for wait in step.settling():
            self._settle_alone(wait.id)
        return step

    def _settle_alone(self, id: int) -> None:
        try:
            with self._host.transaction() as transaction:
                if wait := find_open(transaction.state, id):
                    self._settle(transaction, wait)
        except HandlerError as refusal:
            with self._host.transaction() as transaction:
                if wait := find_open(transaction.state, id):
                    self._save(transaction, _refused(wait, refusal))

    def _write(self, transaction: Transaction, step: _Step) -> None:
        for wait in step.changed():
            self._save(transaction, wait)
        if step.position > step.stored.position:
            consumer.store(transaction.state, replace(step.stored, position=step.position))

    def _settle(self, transaction: Transaction, wait: Wait) -> None:
        """Append what the wait wants to append now, and keep what came of it."""
        event = completed_event(wait) if wait.state == "ready" else late_event(wait)
        try:
            id = None if event is None else transaction.append(self._host.prepare([event])).rows[0][0]
        except StorageError:
            raise
        except EventLiteError as refusal:
            self._save(transaction, _refused(wait, refusal))
            return
        state = "executed" if wait.state == "ready" else "expired"
        self._save(transaction, replace(wait, state=state, event_id=id, error=None))

    def _save(self, transaction: Transaction, wait: Wait) -> None:
        save(transaction.state, wait, self._host.clock())


def place(state: StateStore, head: int) -> None:
    """Have events before `head` looked at no more; right only while no wait is open."""
    found = consumer.find(state, CONSUMER) or consumer.Consumer(CONSUMER)
    if found.position < head or not found.version:
        consumer.store(state, replace(found, position=max(head, found.position)))


def completed_event(wait: Wait) -> NewEvent:
    """The event of a wait that is met: caused by the event that completed it, unless it has a cause."""
    return wait.event if wait.event.cause is not None else replace(wait.event, cause=wait.last_id)


def late_event(wait: Wait) -> NewEvent | None:
    """What is appended instead: caused by the last event that counted, if there is one and it has no cause."""
    event = wait.otherwise
    return event if event is None or event.cause is not None else replace(event, cause=wait.last_id)


def _refused(wait: Wait, refusal: EventLiteError) -> Wait:
    """A refused append leaves the wait ready, to be retried by hand; what a deadline appends is not tried again."""
    state = "ready" if wait.state == "ready" else "expired"
    return replace(wait, state=state, error=f"{type(refusal).__name__}: {refusal.message}")
