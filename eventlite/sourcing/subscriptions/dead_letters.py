"""Events that a subscription's handler could not handle, kept until somebody looks after them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from eventlite.event import from_microseconds

if TYPE_CHECKING:
    from eventlite.contracts.state import Record, StateReader, StateStore


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was left out, and why."""

    event_id: int
    #: What the handler raised last, as "Type: text".
    error: str
    #: How often it was tried.
    attempts: int
    #: When it failed last, in microseconds since the epoch.
    failed: int
    #: Whether it is to be handled once more.
    retrying: bool = False

    @property
    def datetime(self) -> dt.datetime:
        """When it failed last, in UTC."""
        return from_microseconds(self.failed)


def keep(state: StateStore, consumer: str, letter: DeadLetter) -> None:
    """Store it; one that is to be handled again is due at once."""
    value = asdict(letter)
    del value["retrying"]
    state.put(_namespace(consumer), _name(letter.event_id), value, due=0 if letter.retrying else None)


def drop(state: StateStore, consumer: str, event_id: int) -> bool:
    """Forget it; whether it was there."""
    return state.delete(_namespace(consumer), _name(event_id))


def letters(state: StateReader, consumer: str, ids: Collection[int] | None = None) -> Iterator[DeadLetter]:
    """All of a consumer, or those of some events, by id."""
    after = ""
    while records := state.list(_namespace(consumer), after=after):
        found = map(_letter, records)
        yield from (letter for letter in found if ids is None or letter.event_id in ids)
        after = records[-1].name


def to_retry(state: StateReader, consumer: str) -> list[DeadLetter]:
    """Those that are to be handled again, some hundred of them."""
    return [_letter(record) for record in state.due(_namespace(consumer), 0, limit=100)]


def mark(state: StateStore, consumer: str, ids: Collection[int] | None = None) -> list[DeadLetter]:
    """Have all, or those of some events, handled again by whoever runs the subscription."""
    marked = [replace(letter, retrying=True) for letter in letters(state, consumer, ids)]
    for letter in marked:
        keep(state, consumer, letter)
    return marked


def _namespace(consumer: str) -> str:
    return f"dead-letter:{consumer}"


def _name(event_id: int) -> str:
    return f"{event_id:016}"


def _letter(record: Record) -> DeadLetter:
    return DeadLetter(**record.value, retrying=record.due is not None)
