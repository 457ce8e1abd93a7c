"""Reading a damaged file: what is left of it can be exported into a new store."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import deque
from collections.abc import Generator
from dataclasses import replace
from itertools import chain, islice

from eventlite.event import MAX_ID, Row, damaged
from eventlite.matching import Check, matcher
from eventlite.query import Query
from eventlite_sqlite import statements
from eventlite_sqlite.settings import Settings
from eventlite_sqlite.storage import SqliteStorage


class SalvagedStorage(SqliteStorage):
    """Ends at the last event before the first damage; nothing can be written.

    It looks at event by event in the order of their ids: indexes, and seeking near the damage, may lack some.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._last = self._last_readable()
        self.capabilities = replace(self.capabilities, salvaged=True)

    def head(self) -> int:
        """The id of the last event that can be read."""
        return self._last

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
        """Matching events by id."""
        with contextlib.closing(self._matching(query, after, before)) as found:
            if backwards:
                return list(reversed(deque(found, offset + limit)))[offset:]
            return list(islice(found, offset, offset + limit))

    def count(self, query: Query, *, after: int = 0, before: int | None = None) -> int:
        """How many events match."""
        return sum(1 for _ in self._matching(query, after, before))

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last match, 0 without one."""
        return max((row[0] for row in self._matching(query, after, None)), default=0)

    def _matching(self, query: Query, after: int, before: int | None) -> Generator[Row]:
        end = self._last if before is None else min(self._last, before - 1)
        if after >= end:
            return
        matches = matcher(query)
        with self._readers.borrow() as reader:
            rows = reader.connection.execute(statements.ALL_BETWEEN, (after, end))
            # The last one by itself: sqlite3 looks at the next row before it hands out one, and that may be damaged.
            for row in chain(rows, reader.connection.execute(statements.GET, (end,))):
                if _is_match(matches, row):
                    yield row

    def _last_readable(self) -> int:
        last = 0
        with self._readers.fresh() as reader, contextlib.suppress(sqlite3.DatabaseError):
            reader.connection.text_factory = bytes
            with contextlib.suppress(sqlite3.DatabaseError):
                for row in reader.connection.execute(statements.ALL_BETWEEN, (0, MAX_ID)):
                    if not _follows(row, last):
                        return last
                    last = row[0]
            row = reader.connection.execute(statements.NEXT, (last,)).fetchone()
            return row[0] if row is not None and _follows(row, last) else last
        return last


def _follows(row: Row, last: int) -> bool:
    """Whether the row can stand behind that id: what is missing of a page is read as zeros."""
    return last < row[0] <= MAX_ID


def _is_match(matches: Check, row: Row) -> bool:
    try:
        return matches(row)
    except ValueError:  # the JSON that it asks for is none
        raise damaged(row) from None
