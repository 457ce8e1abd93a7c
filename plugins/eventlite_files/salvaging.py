"""Reading what can still be read of a damaged store."""

from __future__ import annotations

from collections.abc import Callable

from eventlite.contracts import Storage
from eventlite.errors import CorruptionError
from eventlite.event import MAX_ID, Row, verify_checksum
from eventlite.query import Query

# Positions that are tried one by one behind a damaged one.
_NEAR = 10_000


class Salvage:
    """Reads like a storage, but passes over what is damaged, and notes where that was."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        #: The first and last position of each place that could not be read.
        self.gaps: list[tuple[int, int]] = []

    def head(self) -> int:
        """The id of the last event, or the largest there can be if that cannot be read."""
        try:
            return self._storage.head()
        except CorruptionError:
            return MAX_ID

    def read(self, query: Query, *, after: int, before: int, limit: int) -> list[Row]:
        """At most `limit` sound events; fewer do not mean that there are no more, none does."""
        while True:
            rows = self._attempt(query, after, before, limit)
            if rows is None and limit > 1:
                limit = max(1, limit // 10)
            elif rows is None:
                beyond = self._beyond(query, after, before)
                self.gaps.append((after + 1, min(beyond, before - 1)))
                after = beyond
            elif sound := [row for row in rows if self._is_sound(row)]:
                return sound
            elif rows:
                after = rows[-1][0]
            else:
                return []

    def note(self) -> str:
        """What was passed over, in a sentence."""
        places = ", ".join(_words(*gap) for gap in self.gaps[:20])
        more = f" and {len(self.gaps) - 20:,} more places" if len(self.gaps) > 20 else ""
        return f"Left out because it could not be read: {places}{more}."

    def _attempt(self, query: Query, after: int, before: int, limit: int) -> list[Row] | None:
        """The events, or None if there is damage on the way."""
        if after >= before - 1:
            return []
        try:
            rows = self._storage.read(query, after=after, before=before, limit=limit)
        except CorruptionError:
            return None
        ascending = _ascending(rows, after, before)
        return ascending if ascending or not rows else None

    def _beyond(self, query: Query, after: int, before: int) -> int:
        """The first position after which reading works again.

        Far away it is found in growing steps, which may pass over what is sound between two damaged places.
        """
        near = min(after + _NEAR, before)
        found = next((at for at in range(after + 1, near) if self._works(query, at, before)), None)
        if found is not None:
            return found
        step = _NEAR
        while after + step < before and not self._works(query, after + step, before):
            step *= 2
        return _first(after + step // 2, min(after + step, before), lambda at: self._works(query, at, before))

    def _works(self, query: Query, after: int, before: int) -> bool:
        return self._attempt(query, after, before, 1) is not None

    def _is_sound(self, row: Row) -> bool:
        try:
            verify_checksum(row)
        except CorruptionError:
            self.gaps.append((row[0], row[0]))
            return False
        return True


def _words(first: int, last: int) -> str:
    if first == last:
        return f"{first}"
    return f"{first} and all after it" if last == MAX_ID else f"{first} to {last}"


def _ascending(rows: list[Row], after: int, before: int) -> list[Row]:
    """The rows up to the first whose id cannot be: what is missing of a page is read as zeros."""
    for index, row in enumerate(rows):
        if not after < row[0] < before:
            return rows[:index]
        after = row[0]
    return rows


def _first(low: int, high: int, works: Callable[[int], bool]) -> int:
    """The first number above `low` for which `works` holds; it holds for `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if works(middle) else (middle, high)
    return high
