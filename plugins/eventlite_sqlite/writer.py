"""The one writer of a file in this process, shared by every store that opens the file."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from eventlite.contracts import CommitRequest, Outcome
from eventlite.errors import EventLiteError, StorageError, StoreClosedError, UnknownOutcomeError
from eventlite_sqlite import connection as connections
from eventlite_sqlite.checkpoint import Checkpointer
from eventlite_sqlite.failures import translated
from eventlite_sqlite.news import News
from eventlite_sqlite.settings import Settings
from eventlite_sqlite.transaction import SqliteTransaction

_LEVELS = ("normal", "full")


class Writer:
    """Serialises the writes of this process; other processes are kept out by BEGIN IMMEDIATE."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self._path = path
        self._lock = threading.RLock()
        self._level = settings.synchronous
        self._checkpoint_pages = settings.checkpoint_pages
        self._pages = 0
        self._broken: EventLiteError | None = None
        self._connection = connections.writer(path, settings)
        self._checkpointer = Checkpointer(path, settings.busy_timeout)
        self.stores = 1
        #: Told after every commit that appended events.
        self.news = News()

    def raise_level(self, level: str) -> None:
        """Every store's acknowledgements keep their promise: the strictest level holds for all."""
        if _LEVELS.index(level) > _LEVELS.index(self._level):
            with self._lock:
                if self._connection.in_transaction:
                    raise StorageError(
                        f"{self._path} cannot be opened under a stricter profile inside a transaction of it",
                        hint="Open it before the transaction begins, or after its end.",
                    )
                connections.set_synchronous(self._connection, level)
                self._level = "full"

    @property
    def broken(self) -> bool:
        """Whether it refuses all work."""
        return self._broken is not None

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """All requests in one transaction."""
        with self._lock:
            self._check()
            try:
                transaction = self._begin()
                outcomes = transaction.append_each(requests)
                self._end(transaction)
            except BaseException as error:
                self._abort(error)
                raise
        return outcomes

    @contextmanager
    def transaction(self) -> Iterator[SqliteTransaction]:
        """A unit of work; rolled back when its block raises."""
        with self._lock:
            self._check()
            try:
                transaction = self._begin()
                before = self._connection.total_changes
                yield transaction
                changes = self._connection.total_changes - before - transaction.appended
                self._end(transaction)
                self._pages += max(0, changes) // 16  # what was written by SQL of others makes the log grow, too
            except BaseException as error:
                self._abort(error)
                raise

    @contextmanager
    def exclusively(self) -> Iterator[sqlite3.Connection]:
        """The connection outside a transaction, for work on the schema."""
        with self._lock:
            self._check()
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise translated(error, self._path) from error
            finally:
                self._pages = self._checkpoint_pages  # an index may be large

    def close(self) -> None:
        """Close the connection; SQLite checkpoints when it is the last one of all."""
        with self._lock:
            self._broken = self._broken or StoreClosedError(f"the store {self._path} is closed")
            self._checkpointer.close()
            self._connection.close()

    def abandon(self, reason: str) -> None:
        """In a forked child: refuse all work. The lock may be held by a thread that is not there any more."""
        self._broken = StoreClosedError(reason)
        self._lock, self.news = threading.RLock(), News()

    def _begin(self) -> SqliteTransaction:
        self._connection.execute("BEGIN IMMEDIATE")
        if self._pages >= self._checkpoint_pages:
            self._checkpoint()
            self._connection.execute("ROLLBACK")  # only a transaction that comes later can begin the log anew
            self._connection.execute("BEGIN IMMEDIATE")
        return SqliteTransaction(self._connection)

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken
        if self._connection.in_transaction:
            raise EventLiteError(
                "this thread is inside a transaction of the store already", hint="Use the transaction's own methods."
            )

    def _end(self, transaction: SqliteTransaction) -> None:
        self._connection.execute("COMMIT")
        if transaction.appended:
            self.news.tell()
        self._pages += 2 + transaction.appended // 32 + transaction.payload // 4096

    def _abort(self, error: BaseException) -> None:
        """Undo what is not committed; what sqlite3 raised goes on as a typed error."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error as another:
            self._broken = translated(another, self._path)
        if isinstance(error, sqlite3.Error):
            failure = translated(error, self._path)
            if isinstance(failure, UnknownOutcomeError):
                self._broken = failure
            raise failure from error

    def _checkpoint(self) -> None:
        """Upkeep, under the write lock: if it fails for want of space, the events are in the log and it is tried again.

        What the disk did not confirm is another matter, and raised.
        """
        self._pages = 0
        try:
            self._checkpointer.run()
        except sqlite3.OperationalError as error:
            if isinstance(translated(error, self._path), UnknownOutcomeError):
                raise
