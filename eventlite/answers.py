"""Answers from the cache, never older than the last append acknowledged by anyone.

Events never change, so what lies before a known position never does either: an event by its id, a full page, a count up
to a position. Whatever may have grown is kept with the position up to which it is true and extended from there. The
position is asked from the storage each time, so that an answer is up to date whoever appends; the TTL bounds memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from eventlite.event import MAX_ID, Row
from eventlite.query import Query

if TYPE_CHECKING:
    from eventlite.contracts import Cache, Storage

#: Rows in one answer beyond which it is not worth the memory.
MAX_ROWS = 1000


class Answers(Protocol):
    """How a kernel reads what may be cached."""

    def event(self, id: int) -> Row | None:
        """The event of that id."""

    def correlation(self, correlation_id: str) -> list[Row]:
        """All events of a correlation."""

    def page(self, query: Query, *, after: int, before: int, limit: int, offset: int, backwards: bool) -> list[Row]:
        """At most `limit` matching rows with `after < id < before`; nothing at or beyond `before` was asked for."""

    def count(self, query: Query, *, head: int, after: int = 0) -> int:
        """How many events match, up to `head`."""


class DirectAnswers:
    """Answers of a storage, where the profile keeps no cache."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.event = storage.get

    def correlation(self, correlation_id: str) -> list[Row]:
        return self._storage.read(Query(correlation_id=correlation_id), limit=MAX_ID)

    def page(self, query: Query, *, after: int, before: int, limit: int, offset: int, backwards: bool) -> list[Row]:
        return self._storage.read(query, after=after, before=before, limit=limit, offset=offset, backwards=backwards)

    def count(self, query: Query, *, head: int, after: int = 0) -> int:
        return self._storage.count(query, after=after, before=head + 1)


class CachedAnswers:
    """Answers through a cache."""

    def __init__(self, storage: Storage, cache: Cache) -> None:
        self._storage = storage
        self._cache = cache

    def event(self, id: int) -> Row | None:
        key = f"event:{id}"
        row: Row | None = self._cache.get(key)
        if row is None:
            row = self._storage.get(id)
            if row is not None:
                self._cache.put(key, row)
        return row

    def correlation(self, correlation_id: str) -> list[Row]:
        """Kept with the id of its own last event: other correlations grow without costing it its place."""
        query = Query(correlation_id=correlation_id)
        last = self._storage.last(query)
        key = f"correlation:{correlation_id}"
        upto, rows = self._cache.get(key) or (0, [])
        if upto < last:
            rows = rows + self._storage.read(query, after=upto, before=last + 1, limit=MAX_ID)
            self._keep(key, last, rows)
        return rows

    def page(self, query: Query, *, after: int, before: int, limit: int, offset: int, backwards: bool) -> list[Row]:
        """A full page forwards is the same whatever came later; any other one is that of its `before`."""
        full = f"page:{after}:{limit}:{offset}:{query.fingerprint}"
        partial = f"{full}:{before}:{backwards}"
        found = (None if backwards else self._cache.get(full)) or self._cache.get(partial)
        if found is not None:
            rows: list[Row] = found[1]
            return rows
        rows = self._storage.read(query, after=after, before=before, limit=limit, offset=offset, backwards=backwards)
        self._keep(full if len(rows) == limit and not backwards else partial, before, rows)
        return rows

    def count(self, query: Query, *, head: int, after: int = 0) -> int:
        """Kept with the head it was counted up to; later only what came since is counted."""
        key = f"count:{after}:{query.fingerprint}"
        upto, total = self._cache.get(key) or (after, 0)
        if upto > head:  # another thread has seen more than this one
            return self._storage.count(query, after=after, before=head + 1)
        if upto < head:
            total += self._storage.count(query, after=upto, before=head + 1)
            self._cache.put(key, (head, total))
        return total

    def _keep(self, key: str, upto: int, rows: list[Row]) -> None:
        if len(rows) <= MAX_ROWS:
            self._cache.put(key, (upto, rows))
