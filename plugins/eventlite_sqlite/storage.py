"""The storage over one SQLite file: a shared writer, a pool of readers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from eventlite.contracts import CommitRequest, Index, Outcome, Statistics, StorageCapabilities
from eventlite.errors import StoreClosedError, StoreReadOnlyError
from eventlite.event import MAX_ID, Row
from eventlite.query import Query
from eventlite_sqlite import backup, connection, deferral, forking, indexes, inspection, opening, registry, statements
from eventlite_sqlite.durability import durability
from eventlite_sqlite.readers import Reader, Readers
from eventlite_sqlite.records import Records
from eventlite_sqlite.settings import Settings
from eventlite_sqlite.transaction import SqliteTransaction
from eventlite_sqlite.writer import Writer

#: Events of a transaction of a load, by sync mode. So few that they stay in the processor's cache from being drafted to
#: being inserted, or so many that waiting for the disk after each does not count.
_BULK_BATCH = {"normal": 2_000, "full": 5_000}


class SqliteStorage:
    """See `eventlite.contracts.Storage`. Opens the file, and creates it if there is none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.path.absolute()  # readers are opened later, perhaps from another directory
        mode = opening.prepare(settings)
        self._readers = Readers(self._path, lambda: connection.reader(self._path, mode, settings))
        self._writer: Writer | None = registry.acquire(self._path, settings) if mode == "rw" else None
        if self._writer is not None and self._readers.ask(deferral.is_pending):  # else no need to wait for a writer
            deferral.restore(self._writer)
        self._closed: str | None = None
        forking.watch(self)
        self.capabilities = StorageCapabilities(
            durability=durability(settings),
            sql="sqlite",
            multi_process=True,
            backup=True,
            bulk_batch=_BULK_BATCH[settings.synchronous],
        )

    # --- writing

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """Write all requests in one transaction, each accepted or refused on its own."""
        return self._open_writer().commit(requests)

    def transaction(self) -> AbstractContextManager[SqliteTransaction]:
        """A unit of work over events and records."""
        return self._open_writer().transaction()

    def bulk_load(self, expected: int | None) -> AbstractContextManager[None]:
        """A load that is large against what is there puts its indexes off to the end."""
        return deferral.deferred(self._open_writer(), expected)

    # --- reading

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        return self._readers.ask(Reader.head)

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
        return self._readers.ask(lambda reader: reader.last(query, after=after))

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """A consistent view that waits for no writer."""
        with self._readers.borrow() as reader:
            try:
                reader.connection.execute("BEGIN")
                reader.head()  # the moment is that of the first read
                yield SqliteSnapshot(reader.connection)
            finally:
                if reader.connection.in_transaction:
                    reader.connection.execute("ROLLBACK")

    def wait(self, after: int, timeout: float) -> int:
        """Wait until the head is beyond `after`: woken inside this process, by looking for other processes."""
        deadline = time.monotonic() + timeout
        with self._readers.borrow() as reader:
            seen = None
            while True:
                version = reader.connection.execute("PRAGMA data_version").fetchone()[0]
                if version != seen:
                    seen, head = version, reader.head()
                remaining = deadline - time.monotonic()
                if head > after or remaining <= 0 or self._closed is not None:
                    return head
                self._pause(min(remaining, self._settings.poll_interval))

    # --- operating

    def indexes(self) -> list[Index]:
        """The switchable indexes that exist."""
        with self._readers.borrow() as reader:
            return indexes.listed(reader.connection)

    def create_index(self, index: Index) -> None:
        """Build the index; reads go on, appends wait."""
        with self._open_writer().exclusively() as writing, connection.sorting(writing):
            writing.execute(indexes.create(index))

    def drop_index(self, name: str) -> None:
        """Remove the index."""
        with self._open_writer().exclusively() as writing:
            writing.execute(indexes.drop(name))

    def explain(self, query: Query) -> list[str]:
        """SQLite's query plan."""
        text, values = statements.read(statements.scans(query), 0, MAX_ID, 100, 0, False)
        with self._readers.fresh() as reader:  # an EXPLAIN that was prepared before an index was built ignores it
            return [row[3] for row in reader.connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    def statistics(self) -> Statistics:
        """A summary of all events."""
        with self.snapshot() as snapshot:
            return inspection.statistics(snapshot.connection)

    def facts(self) -> Mapping[str, Any]:
        """Path, sizes in bytes, versions, settings."""
        with self._readers.borrow() as reader:
            return inspection.facts(reader.connection, self._path, self._settings)

    def check(self) -> Iterator[str]:
        """What SQLite finds wrong with the file."""
        with self._readers.borrow() as reader:
            yield from inspection.check(reader.connection)

    def backup(self, target: Path) -> None:
        """A consistent copy; appends go on meanwhile."""
        with self._readers.borrow() as reader:
            backup.write_copy(reader.connection, Path(target))

    def close(self) -> None:
        """Close the readers, and the writer unless another store of this process uses it."""
        if self._closed is not None:
            return
        self._closed = f"the store {self._path} is closed"
        self._readers.close()
        if self._writer is not None:
            self._writer.news.tell()
            registry.release(self._writer)

    def abandon(self) -> None:
        """In a forked child: refuse all work, and close nothing."""
        self._closed = f"the store {self._path} belongs to the process that this one was forked from"
        self._readers.abandon(self._closed)
        if self._writer is not None:
            self._writer.abandon(self._closed)

    def _open_writer(self) -> Writer:
        if self._closed is not None:
            raise StoreClosedError(self._closed)
        if self._writer is None:
            raise StoreReadOnlyError(
                f"{self._path} is read-only", hint="Check the rights of the file and of its directory."
            )
        return self._writer

    def _pause(self, seconds: float) -> None:
        if self._writer is None:
            time.sleep(seconds)
            return
        self._writer.news.wait(seconds)


class SqliteSnapshot(Reader):
    """Events and records as of one moment."""

    @property
    def state(self) -> Records:
        """The records as of that moment."""
        return Records(self.connection)
