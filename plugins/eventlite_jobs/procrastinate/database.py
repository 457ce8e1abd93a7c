"""The database of jobs, from any thread: transactions of its own, and those of the store where it is the same."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property
from typing import Any

import psycopg
from procrastinate import SyncPsycopgConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from psycopg_pool import ConnectionPool

from eventlite.contracts import Host, Transaction
from eventlite.contracts.jobs import undeclared
from eventlite_jobs.procrastinate import connecting, tables
from eventlite_jobs.procrastinate.failures import told
from eventlite_jobs.procrastinate.settings import Settings
from eventlite_jobs.refusals import closed

#: The most connections of threads that enqueue and look at jobs.
_CONNECTIONS = 10


class Database:
    """Connects when it is first used, and creates the tables then."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host = host
        self._settings = settings
        self._lock = threading.Lock()
        self._pool: ConnectionPool | None = None
        self._closed = False
        self.manager = JobManager(SyncPsycopgConnector())
        #: Whether jobs and events are in one database.
        self.shared = connecting.shares_database(host, settings)

    @cached_property
    def conninfo(self) -> str:
        """How to connect."""
        return connecting.conninfo(self._host, self._settings)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits every statement. Raises `JobError` for what the database refuses."""
        with told(), self._opened().connection() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """The same for several statements, all or none."""
        with self.connection() as connection, connection.transaction():
            yield connection

    @contextmanager
    def inside(self, transaction: Transaction) -> Iterator[psycopg.Connection[Any]]:
        """The same in a transaction of the store. Raises `JobError` where that is another database."""
        if not self.shared:
            undeclared("transactional", "jobs in a transaction of the store, which is in another database")
        self._opened()
        connection: psycopg.Connection[Any] = transaction.connection
        with told(), connection.transaction(), _on_path(connection, connecting.search_path(self._settings)):
            yield connection

    def writing(self, transaction: Transaction | None = None) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection in that transaction of the store; without one, a connection that commits every statement."""
        return self.connection() if transaction is None else self.inside(transaction)

    def defer(self, connection: psycopg.Connection[Any], jobs: Sequence[Job]) -> list[str]:
        """Have procrastinate put jobs in; their ids."""
        return [str(job.id) for job in self.manager.batch_defer_jobs(list(jobs), connection)] if jobs else []

    def open(self) -> None:
        """Connect, and create what is not there."""
        self._opened()

    def close(self) -> None:
        """Release everything; later calls are refused."""
        with self._lock:
            pool, self._pool, self._closed = self._pool, None, True
        if pool is not None:
            pool.close()

    def _opened(self) -> ConnectionPool:
        with self._lock:
            if self._closed:
                raise closed()
            if self._pool is None:
                self._pool = self._open()
            return self._pool

    def _open(self) -> ConnectionPool:
        with told(), psycopg.connect(self.conninfo, autocommit=True) as connection:
            tables.ensure(connection, self._settings)
        return ConnectionPool(
            self.conninfo,
            kwargs={"autocommit": True},
            min_size=1,
            max_size=_CONNECTIONS,
            check=ConnectionPool.check_connection,
            open=True,
        )


@contextmanager
def _on_path(connection: psycopg.Connection[Any], path: str | None) -> Iterator[None]:
    """Find procrastinate's names on its own path: the store's may lead elsewhere, and is needed again afterwards."""
    if path is None:
        yield
        return
    (before,) = connection.execute("SELECT current_setting('search_path')").fetchone() or ("",)
    connection.execute("SELECT set_config('search_path', %s, true)", (path,))
    yield
    connection.execute("SELECT set_config('search_path', %s, true)", (before,))
