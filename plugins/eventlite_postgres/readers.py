"""Connections that only read, in a pool: borrowed for one call, kept for the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool

from eventlite.errors import StoreClosedError
from eventlite.query import Query
from eventlite_postgres.connecting import arguments, conninfo, refuse_stale
from eventlite_postgres.failures import is_passing, translated
from eventlite_postgres.indexes import Known
from eventlite_postgres.reading import ConnectionReader
from eventlite_postgres.records import Records
from eventlite_postgres.settings import Settings
from eventlite_postgres.texts import on_path

_T = TypeVar("_T")

_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

_NOTHING = "nothing is read: no event can have these values"


class Reader(ConnectionReader):
    """One connection; as a snapshot, of one moment."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, indexes: Known) -> None:
        super().__init__(connection, schema)
        self.connection = connection
        self._indexes = indexes

    @property
    def state(self) -> Records:
        """The records."""
        return Records(self.cursor, self._schema)

    def explain(self, query: Query) -> list[str]:
        """PostgreSQL's plan for a page."""
        text, values = self.statement(query, limit=100)
        return [line for (line,) in self.cursor.execute(f"EXPLAIN {text}", values)] if text else [_NOTHING]

    def _indexed(self) -> frozenset[str]:
        return self._indexes.columns(self.connection, self._schema)


class Readers:
    """As many connections as threads read at once, up to `pool_size`."""

    def __init__(self, settings: Settings, schema: str) -> None:
        self._schema = schema
        self._patience = settings.reconnect_timeout
        self._refusal: str | None = None
        #: Which indexes there are.
        self.indexes = Known()
        self._pool = ConnectionPool(
            conninfo(settings),
            kwargs=arguments(settings),
            min_size=1,
            max_size=settings.pool_size,
            timeout=max(1.0, settings.reconnect_timeout),
            num_workers=1,
            check=refuse_stale,
            open=True,
        )

    def ask(self, question: Callable[[Reader], _T]) -> _T:
        """The answer of a reader. A question changes nothing, so it is asked again when the connection was lost."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                with self._connection() as connection:
                    return question(Reader(connection, self._schema, self.indexes))
            except psycopg.Error as error:
                if not is_passing(error) or time.monotonic() > deadline:
                    raise translated(error) from error
            with suppress(psycopg.Error):
                self._pool.check()

    @contextmanager
    def borrow(self) -> Iterator[Reader]:
        """A reader for a block; psycopg's errors leave it typed."""
        try:
            with self._connection() as connection:
                yield Reader(connection, self._schema, self.indexes)
        except psycopg.Error as error:
            raise translated(error) from error

    @contextmanager
    def snapshot(self) -> Iterator[Reader]:
        """A reader that sees one moment."""
        with self.borrow() as reader:
            # The moment is that of the SELECT with which the path is set.
            reader.connection.execute(f"{_SNAPSHOT}; {on_path(self._schema)}".encode())
            try:
                yield reader
            finally:
                if not reader.connection.closed:
                    reader.connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the idle ones now, and those in use when they come back."""
        self._refusal = self._refusal or "the store is closed"
        self._pool.close()

    def abandon(self, reason: str) -> None:
        """In a forked child: refuse all work, and close nothing."""
        self._refusal = reason

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        if self._refusal is not None:
            raise StoreClosedError(self._refusal)
        with self._pool.connection() as connection:
            yield connection
