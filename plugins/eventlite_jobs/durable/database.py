"""Where the tables of jobs are: in the host's own store, or in a database of their own where that has no SQL."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from eventlite import JobError
from eventlite.contracts import Announcing, Host, Transaction
from eventlite_jobs.durable import schema
from eventlite_jobs.durable.dialects import SQLITE, Dialect, dialect_of
from eventlite_jobs.durable.session import Session


class Connections(Protocol):
    """Gives connections for a transaction that writes, and for one that only reads."""

    dialect: Dialect

    def transaction(self) -> AbstractContextManager[Any]:
        """A connection for a unit of work."""

    def snapshot(self) -> AbstractContextManager[Any]:
        """A connection for a look at one moment."""


class HostConnections:
    """Those of the host's store: jobs and events are committed together."""

    def __init__(self, host: Host, dialect: Dialect) -> None:
        self._host = host
        self.dialect = dialect

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._host.transaction() as transaction:
            yield transaction.connection

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        with self._host.storage.snapshot() as snapshot:
            yield snapshot.connection


class PrivateConnections:
    """One SQLite database in memory, that ends with the process."""

    dialect = SQLITE

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        weakref.finalize(self, self._connection.close)  # jobs can be looked at after the dispatcher was closed

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def snapshot(self) -> Iterator[Any]:
        with self._lock:
            yield self._connection


class Database:
    """The tables, for reading and for writing; they are created by the first who writes."""

    def __init__(self, host: Host) -> None:
        capabilities = host.storage.capabilities
        sql = capabilities.sql
        #: Whether jobs live in the store, with its events.
        self.shared = sql is not None
        self._connections: Connections = (
            PrivateConnections() if sql is None else HostConnections(host, dialect_of(sql, capabilities.sql_schema))
        )
        self._dialect = self._connections.dialect
        storage = host.storage
        self._announce = storage.announce if self.shared and isinstance(storage, Announcing) else _tell_nobody
        self._ready = False

    @contextmanager
    def writing(self, transaction: Transaction | None = None) -> Iterator[Session]:
        """A session in a transaction of its own, or in one of the store that is under way."""
        if transaction is not None:
            session = self.inside(transaction)
            if not self._ready:
                schema.ensure(session)  # undone with the transaction, and so not remembered
            yield session
            return
        with self._connections.transaction() as connection:
            session = Session(connection, self._dialect, self._announce)
            if not self._ready:
                schema.ensure(session)
            yield session
        self._ready = True

    @contextmanager
    def reading(self) -> Iterator[Session | None]:
        """A session that reads; None as long as there are no tables."""
        ready = self._ready  # asked before the moment that is looked at: others may create the tables right after it
        with self._connections.snapshot() as connection:
            session = Session(connection, self._dialect)
            if not ready and schema.is_there(session):
                self._ready = ready = True
            yield session if ready else None

    def inside(self, transaction: Transaction) -> Session:
        """A session in a transaction of the store; raises `JobError` where jobs live elsewhere."""
        if not self.shared:
            raise JobError(
                "this storage has no SQL, so that jobs cannot be part of its transactions",
                hint='Use `plugin = "sqlite"` in the profile\'s [storage] section.',
            )
        return Session(transaction.connection, self._dialect, self._announce)


def _tell_nobody(_connection: Any) -> None:
    """Where hints do not leave the process."""
