"""The one connection of a store that writes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from eventlite.contracts import CommitRequest, Committed, NumberedRows, Outcome, PlainDrafts
from eventlite.errors import EventLiteError, StorageError, StoreClosedError, UnknownOutcomeError
from eventlite.event import Row
from eventlite_postgres import at_once
from eventlite_postgres.connecting import has_several_hosts, is_stale, reconnect
from eventlite_postgres.exchanges import COPIED, Turn, begin, begin_and_ask, commit, insert, load
from eventlite_postgres.failures import READ_ONLY, is_lost, is_passing, is_undone, translated
from eventlite_postgres.foreseen import Group, questions
from eventlite_postgres.news import News
from eventlite_postgres.reading import ConnectionReader
from eventlite_postgres.schema import Store
from eventlite_postgres.settings import Settings
from eventlite_postgres.texts import texts
from eventlite_postgres.transaction import PostgresTransaction

_T = TypeVar("_T")

#: Seconds between two announcements to other processes: a hint, and a busy store need not give it for every commit.
_HUSH = 0.01

#: How often a transaction is tried again that the server undid because of another one.
_TRIES = 5


class _Unknown(Exception):  # noqa: N818 - a state, raised and caught in this file
    """The connection was lost, or the standby was, while a commit was under way."""


class Writer:
    """Serialises the writes of this store; others are kept out by a lock of the server that a transaction waits for."""

    def __init__(self, connection: psycopg.Connection[Any], store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._lock = threading.RLock()
        self._refusal: str | None = None
        self._turn = Turn(store.lock, int(settings.busy_timeout * 1000))
        self._texts = texts(store.schema)
        self._told = 0.0
        self._warnings: list[str] = []
        #: Told after every commit that appended events.
        self.news = News()
        self._use(connection)

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """All requests in one transaction."""
        with self._lock:
            self._check()
            try:
                return self._persistently(lambda: self._commit(requests))
            except _Unknown as unknown:
                return self._resolved(requests, unknown)

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """A unit of work; undone when its block raises."""
        with self._lock:
            self._check()
            transaction = self._persistently(self._begin)
            try:
                yield transaction
                self._refuse_failed()
                self._end(confirm=transaction.repeated and not transaction.appended)
            except _Unknown as unknown:
                raise _unknown() from unknown
            except psycopg.Error as error:
                raise translated(error) from error
            finally:
                self._undo()
            if transaction.appended:
                self._tell()

    def close(self) -> None:
        """Close the connection, after what is under way."""
        with self._lock:
            self._refusal = self._refusal or "the store is closed"
            self._connection.close()

    def abandon(self, reason: str) -> None:
        """In a forked child: refuse all work. The lock may be held by a thread that is not there any more."""
        self._refusal = reason
        self._lock = threading.RLock()

    def _check(self) -> None:
        if self._refusal is not None:
            raise StoreClosedError(self._refusal)
        if self._connection.info.transaction_status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            raise EventLiteError(
                "this thread is inside a transaction of the store already", hint="Use the transaction's own methods."
            )

    def _refuse_failed(self) -> None:
        if self._connection.info.transaction_status == TransactionStatus.INERROR:
            raise StorageError(
                "a statement of the transaction failed, and PostgreSQL undid all of it; nothing was written",
                hint="Run what may fail in `with tx.connection.transaction():`.",
            )

    # --- one try

    def _commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        call = at_once.call(self._texts, self._turn, requests)
        first = None if call is None else self._call(*call)
        if first is None:
            return self._load(requests) or self._append_group(requests)
        self._tell()
        return _numbered(requests, first)

    def _call(self, text: str, values: Sequence[Any]) -> int | None:
        """The first id that a function gave, None if it did not append."""
        self._warnings.clear()
        try:
            row = self._cursor.execute(text, values).fetchone()
        except psycopg.errors.CheckViolation:  # ids come to their end
            return None
        except psycopg.Error as error:
            raise self._unknown_if_lost(error) from error
        self._check_confirmed()
        assert row is not None
        first: int | None = row[0]
        return first

    def _load(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """Copy one request of many plain events; nothing for others, and where ids come to their end."""
        match requests:
            case [CommitRequest(drafts=PlainDrafts() as drafts, condition=None, ids=None)] if len(drafts) >= COPIED:
                first = self._copy(drafts)
                return [] if first is None else [Committed(NumberedRows(first, drafts), new=True)]
        return []

    def _copy(self, drafts: PlainDrafts) -> int | None:
        try:
            first = load(self._connection, self._store.schema, self._turn, drafts.rows)
            if first is not None:
                self._end(confirm=False)
        finally:
            self._undo()
        if first is not None:
            self._tell()
        return first

    def _append_group(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """Ask the store everything at once, decide here, and write everything at once."""
        try:
            group = Group(begin_and_ask(self._connection, self._store.schema, self._turn, questions(requests)))
            outcomes = [group.outcome(request) for request in requests]
            self._write(group)
        finally:
            self._undo()
        if group.rows:
            self._tell()
        return outcomes

    def _write(self, group: Group) -> None:
        rows = group.rows
        if len(rows) >= COPIED:
            insert(self._connection, self._texts, rows)
            rows = []
        self._end(rows, confirm=group.repeated and not group.rows)

    def _begin(self) -> PostgresTransaction:
        head = begin(self._connection, self._store.schema, self._turn)
        return PostgresTransaction(self._connection, self._store.schema, head)

    def _end(self, rows: Sequence[Row] = (), *, confirm: bool) -> None:
        """Write the last rows and commit."""
        self._warnings.clear()
        try:
            commit(self._connection, self._texts, rows, confirm=confirm)
        except psycopg.Error as error:
            raise self._unknown_if_lost(error) from error
        self._check_confirmed()

    def _undo(self) -> None:
        """Undo what is not committed; a connection that cannot is replaced when the next one is needed."""
        if self._connection.info.transaction_status != TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                self._connection.execute("ROLLBACK")

    def _unknown_if_lost(self, error: psycopg.Error) -> Exception:
        """The error, or `_Unknown` if the server was lost before it said what became of the transaction.

        Whatever it reports as an error, its own end too, it reports of a transaction that it did not commit.
        """
        return _Unknown() if is_lost(error) else error

    def _check_confirmed(self) -> None:
        """Of a commit that the standby did not confirm the server only warns."""
        if self._warnings:
            raise _Unknown(self._warnings[-1])

    # --- from try to try

    def _persistently(self, attempt: Callable[[], _T]) -> _T:
        """Try again what was certainly not committed: the server was away, or undid it for the sake of another."""
        deadline = time.monotonic() + self._settings.reconnect_timeout
        undone = 0
        while True:
            try:
                self._revive()
                return attempt()
            except psycopg.Error as error:
                self._undo()
                undone += is_undone(error)
                again = undone < _TRIES if is_undone(error) else self._is_passing(error) and time.monotonic() < deadline
                if not again:
                    raise translated(error) from error
                if not is_undone(error):
                    self._connection.close()
                    time.sleep(0.02)
            except BaseException:  # an interruption too
                self._undo()
                raise

    def _is_passing(self, error: psycopg.Error) -> bool:
        """Whether another try may help; a server that takes no writes may have given the lead to another host."""
        return is_passing(error) or (error.sqlstate == READ_ONLY and has_several_hosts(self._settings))

    def _resolved(self, requests: Sequence[CommitRequest], unknown: _Unknown) -> list[Outcome]:
        """What became of requests whose commit was lost: known by their keys, else unknown."""
        if unknown.args:  # committed here and perhaps not on the standby: asking here would tell nothing
            raise _unknown(str(unknown)) from unknown
        outcomes: list[Outcome] = [_unknown() for _ in requests]
        keyed = [
            index for index, request in enumerate(requests) if all(draft[10] is not None for draft in request.drafts)
        ]
        if keyed:
            try:
                found = self._persistently(lambda: self._commit([requests[index] for index in keyed]))
            except (EventLiteError, _Unknown) as error:
                raise _unknown() from error
            for index, outcome in zip(keyed, found, strict=True):
                outcomes[index] = outcome
        return outcomes

    def _revive(self) -> None:
        """Have a connection that works."""
        if is_stale(self._connection):
            self._connection.close()
            self._use(reconnect(self._settings))

    def _use(self, connection: psycopg.Connection[Any]) -> None:
        connection.add_notice_handler(self._note)
        self._connection = connection
        self._cursor = ConnectionReader(connection, self._store.schema).cursor

    def _note(self, notice: psycopg.errors.Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            self._warnings.append(notice.message_primary or "")

    def _tell(self) -> None:
        """Tell this process, and now and then the others."""
        self.news.tell()
        with suppress(psycopg.Error):
            self.announce(self._connection)

    def announce(self, connection: psycopg.Connection[Any]) -> None:
        """Tell the others, now or when the transaction is committed, unless they were told a moment ago."""
        now = time.monotonic()
        if self._settings.listen and now > self._told + _HUSH:
            self._told = now
            connection.execute("SELECT pg_notify(%s, '')", (self._store.channel,))


def _numbered(requests: Sequence[CommitRequest], first: int) -> list[Outcome]:
    """The rows of drafts that were numbered from `first` on."""
    outcomes: list[Outcome] = []
    for request in requests:
        outcomes.append(Committed([(id, *draft) for id, draft in enumerate(request.drafts, first)], new=True))
        first += len(request.drafts)
    return outcomes


def _unknown(warning: str = "") -> UnknownOutcomeError:
    if warning:
        return UnknownOutcomeError(
            f"the standby did not confirm the commit: {warning}",
            hint="The primary has it; append again with the same `key` once the standby is back, to be sure.",
        )
    return UnknownOutcomeError(
        "the connection to the PostgreSQL server was lost during the commit",
        hint="Append again with the same `key` to find out whether it was stored.",
    )
