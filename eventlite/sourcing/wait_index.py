"""Which waits an event may count for, by what they wait for, so that it touches no other.

Kept in memory by whoever evaluates waits. It may name waits that are closed by now, never leave out one that is open:
what a wait is really like is read from its record.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from eventlite.event import Row, decode_tags
from eventlite.matching import Check, matcher
from eventlite.query import Query
from eventlite.sourcing.wait import Wait
from eventlite.sourcing.wait_records import open_waits

if TYPE_CHECKING:
    from eventlite.contracts.state import StateReader

#: A command, or None for any; and what narrows it down: a correlation as "=id", a tag as "#tag", or "" for nothing.
Key: TypeAlias = tuple[str | None, str]

#: Closed waits that it may hold on to before it looks which are open.
LEFTOVERS = 1000


class WaitIndex:
    """The open waits by what they wait for."""

    def __init__(self) -> None:
        self._last = 0  # the number of the newest wait it has seen
        self._most = LEFTOVERS
        self._waits: dict[Key, set[int]] = {}
        self._keys: dict[int, frozenset[Key]] = {}
        self._checks: dict[int, Check] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def refresh(self, state: StateReader) -> None:
        """Add what was registered since, by any process."""
        if len(self._keys) > self._most:  # many may be closed, by others too
            self._begin_anew()
            self._add_new(state)
            self._most = 2 * len(self._keys) + LEFTOVERS
        else:
            self._add_new(state)

    def _add_new(self, state: StateReader) -> None:
        for wait in open_waits(state, self._last):
            self._add(wait)
            self._last = wait.id

    def candidates(self, row: Row) -> list[int]:
        """The numbers of waits that the event may count for, in order."""
        found: set[int] = set()
        for key in _keys_of_row(row):
            found |= self._waits.get(key, frozenset())
        return sorted(id for id in found if self._may_count(id, row))

    def know(self, wait: Wait) -> None:
        """Remember exactly which events count for a wait, once its record had to be read."""
        if wait.id not in self._checks:
            self._checks[wait.id] = matcher(wait.condition.interest())

    def drop(self, id: int) -> None:
        """Forget a wait that is closed."""
        for key in self._keys.pop(id, ()):
            self._waits[key].discard(id)
            if not self._waits[key]:
                del self._waits[key]
        self._checks.pop(id, None)

    def _begin_anew(self) -> None:
        self._last = 0
        self._waits, self._keys, self._checks = {}, {}, {}

    def _add(self, wait: Wait) -> None:
        self._keys[wait.id] = frozenset(_keys_of_query(wait.condition.interest()))
        for key in self._keys[wait.id]:
            self._waits.setdefault(key, set()).add(wait.id)

    def _may_count(self, id: int, row: Row) -> bool:
        check = self._checks.get(id)
        return check is None or check(row)


def _keys_of_query(query: Query) -> Iterator[Key]:
    for plain in query.alternatives:
        scope = ""
        if plain.correlation_id is not None:
            scope = f"={plain.correlation_id}"
        elif plain.all_tags:
            scope = f"#{plain.all_tags[0]}"
        yield from product(plain.cmds or (None,), (scope,))


def _keys_of_row(row: Row) -> Iterator[Key]:
    return product((row[5], None), ("", f"={row[7]}", *(f"#{tag}" for tag in decode_tags(row[10]))))
