"""The storage on a PostgreSQL server: one connection that writes, a pool of those that read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from eventlite.contracts import CommitRequest, Index, Outcome, Statistics, StorageCapabilities
from eventlite.errors import StorageError
from eventlite.event import Row
from eventlite.query import Query
from eventlite_postgres import connecting, forking, indexes, inspection, schema
from eventlite_postgres.durability import durability
from eventlite_postgres.failures import translated
from eventlite_postgres.news import Listener
from eventlite_postgres.readers import Reader, Readers
from eventlite_postgres.recent import Recent
from eventlite_postgres.settings import Settings
from eventlite_postgres.texts import quoted, texts
from eventlite_postgres.transaction import PostgresTransaction
from eventlite_postgres.writer import Writer

#: The columns of events that queries compare.
_COMPARED = ("id", "version", "datetime", "user", "cmd", "correlation_id", "causation_id", "key")

#: A load of so many events changes what the planner should know.
_LOAD = 10_000


class PostgresStorage:
    """See `eventlite.contracts.Storage`. Connects, and creates the store if there is none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        connection = connecting.connect(settings)
        try:
            store = schema.prepare(connection, settings)
            self.capabilities = StorageCapabilities(
                durability=durability(connection), sql="postgresql", sql_schema=store.schema, multi_process=True
            )
        except BaseException as error:
            connection.close()
            if isinstance(error, psycopg.Error):
                raise translated(error) from error
            raise
        self._store = store
        self._schema = store.schema
        self._writer = Writer(connection, store, settings)
        self._readers = Readers(settings, store.schema)
        self._recent = Recent(self._writer.news, settings.freshness)
        self._listener: Listener | None = None
        self._closed: str | None = None
        forking.watch(self)

    # --- writing

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """Write all requests in one transaction, each accepted or refused on its own."""
        return self._writer.commit(requests)

    def transaction(self) -> AbstractContextManager[PostgresTransaction]:
        """A unit of work over events and records."""
        return self._writer.transaction()

    @contextmanager
    def bulk_load(self, expected: int | None) -> Iterator[None]:
        """After a load that is large, the planner learns what the store holds now."""
        before = self.head()
        try:
            yield
        finally:
            if self.head() - before >= min(expected or _LOAD, _LOAD):
                self._analyze()

    # --- reading

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        return self._recent.position("head", lambda: self._readers.ask(Reader.head))

    def get(self, id: int) -> Row | None:
        """The event of that id, or None."""
        return self._readers.ask(lambda reader: reader.get(id))

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
        return self._readers.ask(
            lambda reader: reader.read(
                query, after=after, before=before, limit=limit, offset=offset, backwards=backwards
            )
        )

    def count(self, query: Query, *, after: int = 0, before: int | None = None) -> int:
        """How many events match."""
        return self._readers.ask(lambda reader: reader.count(query, after=after, before=before))

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last match, 0 without one."""
        question = ("last", query.fingerprint, after) if self._settings.freshness else ""
        return self._recent.position(
            question, lambda: self._readers.ask(lambda reader: reader.last(query, after=after))
        )

    def snapshot(self) -> AbstractContextManager[Reader]:
        """A consistent view that waits for no writer."""
        return self._readers.snapshot()

    def wait(self, after: int, timeout: float) -> int:
        """Wait until the head is beyond `after`: woken by appends here, by announcements, and by looking."""
        deadline = time.monotonic() + timeout
        news = self._writer.news
        while True:
            seen, head = news.count, self._readers.ask(Reader.head)
            remaining = deadline - time.monotonic()
            if head > after or remaining <= 0 or self._closed is not None:
                return head
            self._listen()
            news.wait(seen, min(remaining, self._settings.poll_interval))

    def heed(self, told: Callable[[], None]) -> Callable[[], None] | None:
        """Call `told()` after appends and announcements; see `eventlite.contracts.Announcing`."""
        if not self._settings.listen:
            return None
        self._listen()
        return self._writer.news.heed(told)

    def announce(self, connection: psycopg.Connection[Any]) -> None:
        """Tell everybody once the transaction is committed."""
        self._writer.announce(connection)

    # --- operating

    def indexes(self) -> list[Index]:
        """The switchable indexes that exist."""
        return self._readers.ask(lambda reader: indexes.listed(reader.connection, self._schema))

    def create_index(self, index: Index) -> None:
        """Build the index; reads and appends go on."""
        text = indexes.create(self._schema, index, concurrently=self.head() > 0)
        with self._readers.borrow() as reader:
            if index.name in indexes.unfinished(reader.connection, self._schema):
                reader.connection.execute(indexes.drop(self._schema, index.name).encode())
            with suppress(psycopg.errors.DuplicateTable, psycopg.errors.UniqueViolation):  # others build it just now
                reader.connection.execute(text.encode())
        self._readers.indexes.forget()

    def drop_index(self, name: str) -> None:
        """Remove the index."""
        with self._readers.borrow() as reader:
            reader.connection.execute(indexes.drop(self._schema, name).encode())
        self._readers.indexes.forget()

    def explain(self, query: Query) -> list[str]:
        """PostgreSQL's plan."""
        with self._readers.borrow() as reader:
            return reader.explain(query)

    def statistics(self) -> Statistics:
        """A summary of all events."""
        with self.snapshot() as snapshot:
            assert isinstance(snapshot, Reader)
            return inspection.statistics(snapshot.connection, self._schema)

    def facts(self) -> Mapping[str, Any]:
        """Where it is, sizes in bytes, versions and settings of the server."""
        return self._readers.ask(lambda reader: inspection.facts(reader.connection, self._schema))

    def check(self) -> Iterator[str]:
        """What is wrong with the store beyond the events."""
        with self._readers.borrow() as reader:
            yield from inspection.check(reader.connection, self._schema)

    def backup(self, target: Path) -> None:
        """PostgreSQL has its own tools for that."""
        raise StorageError(
            f"a store on PostgreSQL is not copied to {target}", hint="Use pg_dump or pg_basebackup, or export events."
        )

    def close(self) -> None:
        """Close all connections."""
        if self._closed is not None:
            return
        self._closed = "the store is closed"
        self._writer.news.tell()
        if self._listener is not None:
            self._listener.close()
        self._readers.close()
        self._writer.close()

    def abandon(self) -> None:
        """In a forked child: refuse all work, and close nothing."""
        self._closed = "the store belongs to the process that this one was forked from"
        self._readers.abandon(self._closed)
        self._writer.abandon(self._closed)

    def _listen(self) -> None:
        if self._listener is None and self._settings.listen and self._closed is None:
            self._listener = Listener(self._settings, self._store.channel, self._writer.news)

    def _analyze(self) -> None:
        """Of long texts the planner need know nothing, unless an index looks into them; to sort them takes long.

        A fifth of the usual sample will do until autovacuum takes the usual one, within the minute.
        """
        store, columns = texts(self._schema), ", ".join(map(quoted, _COMPARED))
        event = store.event if any(index.path for index in self.indexes()) else f"{store.event} ({columns})"
        with self._readers.borrow() as reader:
            analyze = f"SET LOCAL default_statistics_target = 20; ANALYZE {event}, {store.tag}"
            reader.connection.execute(analyze.replace("%%", "%").encode())
