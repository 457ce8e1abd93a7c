"""One write transaction: admits requests, inserts rows, keeps records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Committed
from eventlite.event import Row, decode_tags
from eventlite_postgres.copying import event_blocks, tag_blocks
from eventlite_postgres.reading import ConnectionReader
from eventlite_postgres.records import Records

#: From so many rows on COPY is quicker than INSERT.
COPIED = 50


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
            self._insert(committed.rows)
        return committed

    def _insert(self, rows: Sequence[Row]) -> None:
        tags = [(tag, row[0]) for row in rows if row[10] != "[]" for tag in decode_tags(row[10])]
        if len(rows) >= COPIED:
            self._copy(self._texts.copy, event_blocks(rows))
            self._copy(self._texts.copy_tags, tag_blocks(tags))
        else:
            self._put(self._texts.insert, rows)
            self._put(self._texts.insert_tag, tags)
        self._head = rows[-1][0]
        self.appended += len(rows)

    def _put(self, text: str, rows: Sequence[tuple[Any, ...]]) -> None:
        if len(rows) == 1:
            self.cursor.execute(text, rows[0])
        elif rows:
            self.cursor.executemany(text, rows)

    def _copy(self, text: str, blocks: Iterator[str]) -> None:
        with self.cursor.copy(text) as copy:
            for block in blocks:
                copy.write(block)
