"""Reading events from a list that only grows: whoever knows how much of it is committed needs no lock."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter

from eventlite.event import Row
from eventlite.matching import matcher
from eventlite.query import Query

_ID = itemgetter(0)


class MemoryReader:
    """Reads the first `size` of `rows`, which are in the order of their ids."""

    def __init__(self, rows: list[Row], size: int) -> None:
        self._rows = rows
        self._size = size

    def _seen(self) -> int:
        """How many of the rows this reader sees."""
        return self._size

    def head(self) -> int:
        seen = self._seen()
        return self._rows[seen - 1][0] if seen else 0

    def get(self, id: int) -> Row | None:
        return next(self._between(id - 1, id + 1), None)

    def read(
        self,
        query: Query,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        offset: int = 0,
        backwards: bool = False,
    ) -> list[Row]:
        found = filter(matcher(query), self._between(after, before, backwards))
        return list(islice(found, offset, offset + limit))

    def count(self, query: Query, *, after: int = 0, before: int | None = None) -> int:
        return sum(map(matcher(query), self._between(after, before)))

    def last(self, query: Query, *, after: int = 0) -> int:
        return next((row[0] for row in self.read(query, after=after, limit=1, backwards=True)), 0)

    def _between(self, after: int, before: int | None, backwards: bool = False) -> Iterator[Row]:
        seen = self._seen()
        start = bisect_right(self._rows, after, hi=seen, key=_ID)
        stop = seen if before is None else bisect_left(self._rows, before, hi=seen, key=_ID)
        indexes = range(start, stop)
        return map(self._rows.__getitem__, reversed(indexes) if backwards else indexes)
