"""Where a named consumer of events stands, and who holds it: one record of the store.

Position and hold are one record, so that moving on, holding on and finding out that somebody else took over are one
conditional write: who lost the hold cannot move the position.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import Record, StateReader, StateStore

NAMESPACE = "consumer"

#: Seconds for which a hold is good without being renewed; with it the others know that the holder is gone.
HOLD = 1.5

_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Consumer:
    """One consumer as it stands; times in microseconds since the epoch."""

    name: str
    #: The id of the last event it is done with.
    position: int = 0
    #: Who holds it, "" for nobody, and until when.
    owner: str = ""
    until: int = 0
    #: Whether it was stopped, by hand or by an error.
    paused: bool = False
    #: What its handler raised last, as "Type: text", and at which event.
    error: str | None = None
    error_position: int | None = None
    #: Of a projection: which of the states that were built is the live one.
    generation: int = 0
    #: The version of its record, 0 without one.
    version: int = 0

    def held(self, now: int) -> bool:
        """Whether somebody holds it; a time far ahead was written before the clock was set back, and holds nothing."""
        return bool(self.owner) and now < self.until <= now + 10 * int(HOLD * _MICRO)


def find(state: StateReader, name: str) -> Consumer | None:
    """The consumer of that name, or None."""
    record = state.get(NAMESPACE, name)
    return None if record is None else _consumer(record)


def all_consumers(state: StateReader, prefix: str = "") -> list[Consumer]:
    """Every consumer whose name begins with the prefix, by name."""
    found: list[Consumer] = []
    after = prefix
    while batch := state.list(NAMESPACE, after=after):
        found += [_consumer(record) for record in batch if record.name.startswith(prefix)]
        after = batch[-1].name
        if not after.startswith(prefix):
            break
    return found


def store(state: StateStore, consumer: Consumer) -> Consumer:
    """Write it over what it was read as, and return it with its new version; raises `ConflictError` if it changed."""
    value: dict[str, Any] = {
        "position": consumer.position,
        "owner": consumer.owner,
        "until": consumer.until,
        "paused": consumer.paused,
        "error": consumer.error,
        "error_position": consumer.error_position,
        "generation": consumer.generation,
    }
    return replace(consumer, version=state.put(NAMESPACE, consumer.name, value, expected=consumer.version))


def register(host: Host, name: str, position: int) -> Consumer:
    """The consumer of that name; a new one starts behind `position`."""
    with host.storage.snapshot() as snapshot:
        known = find(snapshot.state, name)
    if known is not None:
        return known
    with host.transaction() as transaction:
        return find(transaction.state, name) or store(transaction.state, Consumer(name, position))


class Hold:
    """One process's hold on a consumer. Not for several threads at once."""

    def __init__(self, host: Host, name: str, start: int = 0) -> None:
        self._host = host
        self._start = start
        self._owner = f"{os.getpid()}-{uuid4().hex}"
        self.consumer = Consumer(name, start)

    @property
    def position(self) -> int:
        """The id of the last event that is done."""
        return self.consumer.position

    def acquire(self) -> bool:
        """Take the consumer if nobody holds it and it is not paused; whether it is held now."""
        now = self._host.clock()
        with self._host.storage.snapshot() as snapshot:  # looking costs nobody anything
            found = find(snapshot.state, self.consumer.name)
        if found is not None and not self._free(found, now):
            return False
        with self._host.transaction() as transaction:
            found = find(transaction.state, self.consumer.name) or Consumer(self.consumer.name, self._start)
            if not self._free(found, now):
                return False
            self.consumer = store(transaction.state, self._renewed(found))
        return True

    def claim(self, state: StateReader) -> bool:
        """Look at it inside a transaction that is going to `advance` it; whether this process may."""
        found = find(state, self.consumer.name) or Consumer(self.consumer.name, self._start)
        if not self._free(found, self._host.clock()):
            return False
        self.consumer = found
        return True

    def available(self, consumer: Consumer) -> bool:
        """Whether this process may take the consumer, as it was found."""
        return self._free(consumer, self._host.clock())

    def advance(self, state: StateStore, position: int, **changes: Any) -> Consumer:
        """Move on, and hold on, inside a transaction: assign what it returns to `consumer` once that is committed.

        Raises `ConflictError` when the consumer was paused, moved or taken over meanwhile: then nothing was done.
        """
        return store(state, replace(self._renewed(self.consumer), position=position, **changes))

    def save(self, position: int, **changes: Any) -> None:
        """`advance` in a transaction of its own."""
        with self._host.transaction() as transaction:
            advanced = self.advance(transaction.state, position, **changes)
        self.consumer = advanced

    def concede(self, position: int) -> None:
        """After a conflict: give it up. The position counts if nobody took it over or moved it, but only paused it."""
        mine = self.consumer
        with self._host.transaction() as transaction:
            found = find(transaction.state, mine.name)
            if found is not None and (found.owner, found.position) == (self._owner, mine.position):
                store(transaction.state, replace(found, position=position, owner="", until=0))

    def expires(self) -> int:
        """When the hold ends unless it is renewed, in microseconds since the epoch."""
        return self.consumer.until

    def release(self) -> None:
        """Give it up, so that another need not wait; fine when it is lost already."""
        with self._host.transaction() as transaction:
            found = find(transaction.state, self.consumer.name)
            if found is not None and found.owner == self._owner:
                self.consumer = store(transaction.state, replace(found, owner="", until=0))

    def _free(self, consumer: Consumer, now: int) -> bool:
        return not consumer.paused and (consumer.owner == self._owner or not consumer.held(now))

    def _renewed(self, consumer: Consumer) -> Consumer:
        return replace(consumer, owner=self._owner, until=self._host.clock() + int(HOLD * _MICRO))


def change(host: Host, name: str, **changes: Any) -> Consumer | None:
    """Pause, resume or move a consumer from outside: its holder notices at its next move; None if there is none."""
    with host.transaction() as transaction:
        found = find(transaction.state, name)
        return None if found is None else store(transaction.state, replace(found, **changes))


def remove(state: StateStore, consumer: Consumer) -> None:
    """Forget it; raises `ConflictError` if it changed since it was read."""
    state.delete(NAMESPACE, consumer.name, expected=consumer.version)


def _consumer(record: Record) -> Consumer:
    return Consumer(record.name, **record.value, version=record.version)
