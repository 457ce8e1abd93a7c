"""Answers from the cache, never older than the last append acknowledged by anyone.

An event by its id never changes. A correlation is kept under the id of its last event and a page under the store's
head, both asked from the storage each time: an answer that is found is up to date, and the TTL only bounds memory.
"""

from __future__ import annotations

from eventlite.contracts.caching import Cache
from eventlite.contracts.storage import Storage
from eventlite.event import MAX_ID, Row
from eventlite.query import Query

#: Rows in one answer beyond which it is not worth the memory.
MAX_ROWS = 1000


class Answers:
    """Reads rows through a cache."""

    def __init__(self, storage: Storage, cache: Cache) -> None:
        self._storage = storage
        self._cache = cache

    def event(self, id: int) -> Row | None:
        """The event of that id."""
        key = f"event:{id}"
        row: Row | None = self._cache.get(key)
        if row is None:
            row = self._storage.get(id)
            if row is not None:
                self._cache.put(key, row)
        return row

    def correlation(self, correlation_id: str) -> list[Row]:
        """All events of a correlation."""
        query = Query(correlation_id=correlation_id)
        last = self._storage.last(query)
        key = f"correlation:{last}:{correlation_id}"
        rows: list[Row] | None = self._cache.get(key)
        if rows is None:
            rows = self._storage.read(query, before=last + 1, limit=MAX_ID)
            self._keep(key, rows)
        return rows

    def page(
        self, query: Query, *, head: int, after: int, before: int, limit: int, offset: int, backwards: bool
    ) -> list[Row]:
        """Events of a page as of `head`."""
        key = f"page:{head}:{after}:{before}:{limit}:{offset}:{backwards}:{query.fingerprint}"
        rows: list[Row] | None = self._cache.get(key)
        if rows is None:
            rows = self._storage.read(
                query, after=after, before=before, limit=limit, offset=offset, backwards=backwards
            )
            self._keep(key, rows)
        return rows

    def count(self, query: Query, *, head: int, after: int = 0) -> int:
        """How many events match, as of `head`."""
        key = f"count:{head}:{after}:{query.fingerprint}"
        found: int | None = self._cache.get(key)
        if found is None:
            found = self._storage.count(query, after=after, before=head + 1)
            self._cache.put(key, found)
        return found

    def _keep(self, key: str, rows: list[Row]) -> None:
        if 0 < len(rows) <= MAX_ROWS:
            self._cache.put(key, rows)
