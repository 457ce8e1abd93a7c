"""One write transaction: admits requests, inserts rows, keeps records."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Committed
from eventlite.event import MAX_ID, Row, decode_tags
from eventlite_sqlite import statements
from eventlite_sqlite.reading import ConnectionReader
from eventlite_sqlite.records import Records


class SqliteTransaction(ConnectionReader):
    """Runs on the writer's connection, between BEGIN IMMEDIATE and COMMIT."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._head: int | None = None
        self.appended = 0
        #: Characters of the payloads appended, by which the log grows.
        self.payload = 0

    @property
    def connection(self) -> sqlite3.Connection:
        """The connection; statements only, the storage begins and ends the transaction."""
        return self._connection

    @property
    def state(self) -> Records:
        """The records."""
        return Records(self._connection)

    def head(self) -> int:
        """Nobody else writes meanwhile, so it is asked once."""
        if self._head is None:
            self._head = super().head()
        return self._head

    def append(self, request: CommitRequest) -> Committed:
        """Admit and insert one request."""
        if len(request.drafts) == 1 and not (request.condition or request.keyed or request.caused or request.ids):
            return self._append_plain(request)
        return self._append_admitted(request)

    def _append_admitted(self, request: CommitRequest) -> Committed:
        committed = admit(request, self)
        if committed.new and committed.rows:
            self._insert(committed.rows)
            self._head = committed.rows[-1][0]
            self.appended += len(committed.rows)
        return committed

    def _append_plain(self, request: CommitRequest) -> Committed:
        """Nothing to ask the store, so SQLite numbers the event: one statement fewer for nearly every append."""
        draft = request.drafts[0]
        id: int = self._connection.execute(statements.INSERT_NEXT, draft).lastrowid  # type: ignore[assignment]
        if id > MAX_ID:
            self._connection.execute(statements.DELETE, (id,))
            return self._append_admitted(request)  # which says why not
        self._head = id
        self.appended += 1
        self.payload += len(draft[5]) + len(draft[8])
        if draft[9] != "[]":
            self._connection.executemany(statements.INSERT_TAG, [(tag, id) for tag in decode_tags(draft[9])])
        return Committed(((id, *draft),), new=True)

    def _insert(self, rows: Sequence[Row]) -> None:
        self.payload += sum(len(row[6]) + len(row[9]) for row in rows)
        if len(rows) == 1:
            self._connection.execute(statements.INSERT, rows[0])
        else:
            self._connection.executemany(statements.INSERT, rows)
        tags = [(tag, row[0]) for row in rows if row[10] != "[]" for tag in decode_tags(row[10])]
        if tags:
            self._connection.executemany(statements.INSERT_TAG, tags)
