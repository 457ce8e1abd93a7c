"""One write transaction: admits requests, inserts rows, keeps records."""

from __future__ import annotations

from typing import Any

import psycopg

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Committed
from eventlite_postgres.exchanges import insert
from eventlite_postgres.reading import ConnectionReader
from eventlite_postgres.records import Records


class PostgresTransaction(ConnectionReader):
    """Runs on the writer's connection while it has the turn to write, between BEGIN and COMMIT."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, head: int) -> None:
        super().__init__(connection, schema)
        self._connection = connection
        self._head = head
        self.appended = 0
        #: Whether an answer was given that an earlier transaction had written.
        self.repeated = False

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection; statements only, the storage begins and ends the transaction.

        A statement that fails undoes the whole transaction, unless it runs in `with connection.transaction():`.
        """
        return self._connection

    @property
    def state(self) -> Records:
        """The records."""
        return Records(self.cursor, self._schema)

    def head(self) -> int:
        """Nobody else writes meanwhile."""
        return self._head

    def append(self, request: CommitRequest) -> Committed:
        """Admit and insert one request."""
        committed = admit(request, self)
        if not committed.new:
            self.repeated = True
        elif committed.rows:
            insert(self._connection, self._texts, committed.rows)
            self._head = committed.rows[-1][0]
            self.appended += len(committed.rows)
        return committed
