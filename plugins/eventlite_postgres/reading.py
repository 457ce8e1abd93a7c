"""Reading events over one connection: what storages, transactions and snapshots share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.types.numeric import Int8Dumper

from eventlite.event import MAX_ID, Row
from eventlite.query import Query
from eventlite_postgres import statements
from eventlite_postgres.texts import texts

_BEYOND = MAX_ID + 1


def new_cursor(connection: psycopg.Connection[Any]) -> psycopg.Cursor[Any]:
    """A cursor with one type for every int: psycopg would prepare a statement for each size of them."""
    cursor = connection.cursor()
    cursor.adapters.register_dumper(int, Int8Dumper)
    return cursor


class ConnectionReader:
    """`EventReader` over one connection, of the store in one schema."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str) -> None:
        self._schema = schema
        self._texts = texts(schema)
        self.cursor = new_cursor(connection)

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        return int(self._value(self._texts.head))

    def get(self, id: int) -> Row | None:
        """The event of that id, or None."""
        row: Row | None = self.cursor.execute(self._texts.get, (id,)).fetchone()
        return row

    def by_key(self, key: str) -> Row | None:
        """The event that has that idempotency key, or None."""
        row: Row | None = self.cursor.execute(self._texts.by_key, (key,)).fetchone()
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
        text, values = self.statement(query, after, before, limit, offset, backwards)
        return self.cursor.execute(text, values).fetchall() if text else []

    def statement(
        self,
        query: Query,
        after: int = 0,
        before: int | None = None,
        limit: int = 1000,
        offset: int = 0,
        backwards: bool = False,
    ) -> tuple[str, Sequence[Any]]:
        """What `read` executes; an empty text where nothing can match."""
        found = statements.led(statements.scans(self._schema, query), self._indexed())
        if not found:
            return "", ()
        before = _BEYOND if before is None else before
        return statements.read(self._texts, found, after, before, limit, offset, backwards)

    def count(self, query: Query, *, after: int = 0, before: int | None = None) -> int:
        """How many events match."""
        found = statements.scans(self._schema, query)
        if not found:
            return 0
        return int(self._value(*statements.count(self._texts, found, after, _BEYOND if before is None else before)))

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last match, 0 without one."""
        found = statements.scans(self._schema, query)
        return self._value(*statements.last(self._texts, found, after)) or 0 if found else 0

    def _indexed(self) -> frozenset[str]:
        """The columns by which scans may be led; a transaction asks for none, as it looks only behind a position."""
        return frozenset()

    def _value(self, text: str, values: Sequence[Any] = ()) -> Any:
        row = self.cursor.execute(text, values).fetchone()
        assert row is not None
        return row[0]
