"""Reading and adding rows of a list that only grows."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import islice
from operator import itemgetter
from typing import Any

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Committed
from eventlite.event import Row
from eventlite.matching import matcher
from eventlite.query import Query
from eventlite_acme.records import Kepts, Records

_ID = itemgetter(0)


class Reader:
    """Reads the first `size` rows of a list that only grows."""

    def __init__(self, rows: list[Row], size: int) -> None:
        self._rows = rows
        self._size = size

    def head(self) -> int:
        size = self._visible()
        return self._rows[size - 1][0] if size else 0

    def get(self, id: int) -> Row | None:
        return next(iter(self.read(Query(), after=id - 1, before=id + 1, limit=1)), None)

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
        return sum(map(matcher(query), self._between(after, before, False)))

    def last(self, query: Query, *, after: int = 0) -> int:
        return next((row[0] for row in self.read(query, after=after, limit=1, backwards=True)), 0)

    def _visible(self) -> int:
        return self._size

    def _between(self, after: int, before: int | None, backwards: bool) -> Iterator[Row]:
        size = self._visible()
        first = bisect_right(self._rows, after, hi=size, key=_ID)
        end = size if before is None else bisect_left(self._rows, before, hi=size, key=_ID)
        places = range(first, end)
        return map(self._rows.__getitem__, reversed(places) if backwards else places)


class Snapshot(Reader):
    """What had been written at one moment."""

    def __init__(self, rows: list[Row], size: int, kept: Kepts) -> None:
        super().__init__(rows, size)
        self.state = Records(kept)


class Transaction(Snapshot):
    """Adds rows where no other reader looks yet, and changes a copy of the records."""

    connection: Any = None

    def __init__(self, rows: list[Row], size: int, kept: Kepts, keys: dict[str, Row]) -> None:
        super().__init__(rows, size, dict(kept))
        self._keys = keys
        self._new_keys: dict[str, Row] = {}

    def by_key(self, key: str) -> Row | None:
        return self._new_keys.get(key) or self._keys.get(key)

    def append(self, request: CommitRequest) -> Committed:
        admitted = admit(request, self)
        if admitted.new:
            self._rows.extend(admitted.rows)
            self._size += len(admitted.rows)
            self._new_keys.update({row[11]: row for row in admitted.rows if row[11] is not None})
        return admitted

    def entry(self, start: int) -> list[Any]:
        """What the journal keeps of it."""
        return [self._rows[start:], [[*key, kept] for key, kept in self.state.changes.items()]]
