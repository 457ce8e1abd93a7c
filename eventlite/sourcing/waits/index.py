"""Which waits an event may count for, by what they wait for, so that it touches no other.

Kept in memory by whoever evaluates waits. It may name waits that are closed by now, never leave out one that is open:
what a wait is really like is read from its record.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from eventlite.event import Row, decode_tags
from eventlite.matching import Check, matcher
from eventlite.sourcing.waits.records import stored_conditions
from eventlite.sourcing.waits.wait import Wait

if TYPE_CHECKING:
    from eventlite.contracts.state import StateReader

#: A command, or "" for any, and what narrows it down: a correlation as "=id", a tag as "#tag", or nothing. In one text,
#: with a NUL between, which no command has: a text costs the garbage collector nothing.
Key: TypeAlias = str

#: Closed waits that it may hold on to before it looks which are open.
LEFTOVERS = 1000


class WaitIndex:
    """The open waits by what they wait for."""

    def __init__(self) -> None:
        self._last = 0  # the number of the newest wait it has seen
        self._most = 0
        self._waits: dict[Key, set[int]] = {}
        self._keys: dict[int, tuple[Key, ...]] = {}
        self._checks: dict[int, Check] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def refresh(self, state: StateReader) -> None:
        """Add what was registered since, by any process."""
        if self._last and len(self._keys) <= self._most:
            self._add_new(state)
            return
        self._last = 0  # it is new, or many may be closed by now, some of them by others
        self._waits, self._keys, self._checks = {}, {}, {}
        self._add_new(state)
        self._most = 2 * len(self._keys) + LEFTOVERS

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

    def _add_new(self, state: StateReader) -> None:
        for id, condition in stored_conditions(state, self._last):
            self._last = id
            self._keys[id] = tuple(set(_keys_of_condition(condition)))
            for key in self._keys[id]:
                self._waits.setdefault(key, set()).add(id)

    def _may_count(self, id: int, row: Row) -> bool:
        check = self._checks.get(id)
        return check is None or check(row)


def _keys_of_condition(condition: list[dict[str, Any]]) -> Iterator[Key]:
    """The keys of a condition as it is stored: there may be very many, so no queries are made of them."""
    for part in condition:
        for element in part["elements"]:
            for plain in element["query"]:
                scope = _scope(plain)
                yield from (f"{cmd}\0{scope}" for cmd in plain.get("cmd", ("",)))


def _scope(plain: dict[str, Any]) -> str:
    if "correlation_id" in plain:
        return f"={plain['correlation_id']}"
    return f"#{plain['tags'][0]}" if "tags" in plain else ""


def _keys_of_row(row: Row) -> Iterator[Key]:
    scopes = ("", f"={row[7]}", *(f"#{tag}" for tag in decode_tags(row[10])))
    return (f"{cmd}\0{scope}" for cmd in (row[5], "") for scope in scopes)
