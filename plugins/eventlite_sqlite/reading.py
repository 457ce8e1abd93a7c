"""Reading events over one connection: what storages, transactions and snapshots share."""

from __future__ import annotations

import sqlite3

from eventlite.event import MAX_ID, Row
from eventlite.query import Query
from eventlite_sqlite import statements
from eventlite_sqlite.damage import explained

_BEYOND = MAX_ID + 1


class ConnectionReader:
    """`EventReader` over one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        found: int | None = self._connection.execute(statements.HEAD).fetchone()[0]
        return found or 0

    def get(self, id: int) -> Row | None:
        """The event of that id, or None."""
        try:
            row: Row | None = self._connection.execute(statements.GET, (id,)).fetchone()
        except sqlite3.OperationalError as error:
            raise explained(error, self._connection, statements.GET, (id,)) from error
        return row

    def by_key(self, key: str) -> Row | None:
        """The event that has that idempotency key, or None."""
        row: Row | None = self._connection.execute(statements.BY_KEY, (key,)).fetchone()
        return row

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
        found = statements.scans(query)
        text, values = statements.read(found, after, _BEYOND if before is None else before, limit, offset, backwards)
        try:
            return self._connection.execute(text, values).fetchall()
        except sqlite3.OperationalError as error:
            raise explained(error, self._connection, text, values) from error

    def count(self, query: Query, *, after: int = 0, before: int | None = None) -> int:
        """How many events match."""
        text, values = statements.count(statements.scans(query), after, _BEYOND if before is None else before)
        found: int = self._connection.execute(text, values).fetchone()[0]
        return found

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last match, 0 without one."""
        text, values = statements.last(statements.scans(query), after)
        found: int | None = self._connection.execute(text, values).fetchone()[0]
        return found or 0
