"""One write transaction: admits requests, inserts rows, keeps records."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from itertools import chain, groupby
from typing import Any

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Committed, NumberedRows, Outcome, PlainDrafts
from eventlite.errors import EventLiteError
from eventlite.event import MAX_ID, Draft, decode_tags
from eventlite_sqlite import statements
from eventlite_sqlite.reading import ConnectionReader
from eventlite_sqlite.records import Records


class SqliteTransaction(ConnectionReader):
    """Runs on the writer's connection, between BEGIN IMMEDIATE and COMMIT."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
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

    def append_each(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """Each request accepted or refused alone; those in a row that ask the store nothing are inserted together."""
        if len(requests) == 1:
            return [self._outcome(requests[0])]
        outcomes: list[Outcome] = []
        for unasked, group in groupby(requests, _asks_nothing):
            members = list(group)
            outcomes += self._append_group(members) if unasked else map(self._outcome, members)
        return outcomes

    def _outcome(self, request: CommitRequest) -> Outcome:
        try:
            return self.append(request)
        except EventLiteError as refusal:
            return refusal

    def append(self, request: CommitRequest) -> Committed:
        """Admit and insert one request."""
        if _asks_nothing(request):
            if len(request.drafts) == 1:
                return self._append_one(request)
            if self.head() + len(request.drafts) <= MAX_ID:
                return self._append_unasked(request.drafts)
        return self._append_admitted(request)

    def _append_one(self, request: CommitRequest) -> Committed:
        """Nothing to ask the store, so SQLite numbers the event: one statement fewer for nearly every append."""
        insertion, (values,) = statements.insertion(request.drafts)
        id: int = self._connection.execute(insertion.one, values).lastrowid  # type: ignore[assignment]
        if id > MAX_ID:
            self._connection.execute(statements.DELETE, (id,))
            return self._append_admitted(request)  # which says why not
        draft = request.drafts[0]
        self._head = id
        self.appended += 1
        self.payload += len(draft[5]) + len(draft[8])
        if draft[9] != "[]":
            self._insert_tags([(tag, id) for tag in decode_tags(draft[9])])
        return Committed(((id, *draft),), new=True)

    def _append_unasked(self, drafts: Sequence[Draft]) -> Committed:
        """The same for many: nobody else writes meanwhile, so SQLite's numbers are known beforehand."""
        first = self.head() + 1
        insertion, rows = statements.insertion(drafts)
        insertion.run(self._connection, rows)
        if isinstance(drafts, PlainDrafts):
            self._count(drafts.rows, 5, 7)
        else:
            self._insert_tags([(tag, id) for id, draft in enumerate(drafts, first) for tag in decode_tags(draft[9])])
            self._count(drafts, 5, 8)
        return Committed(NumberedRows(first, drafts), new=True)

    def _append_group(self, requests: list[CommitRequest]) -> list[Outcome]:
        """Requests that ask nothing: one insertion, of which each gets its part."""
        first, drafts = self.head() + 1, _joined([request.drafts for request in requests])
        if first + len(drafts) > MAX_ID:
            return [self._outcome(request) for request in requests]
        self._append_unasked(drafts)
        outcomes: list[Outcome] = []
        for request in requests:
            outcomes.append(Committed(NumberedRows(first, request.drafts), new=True))
            first += len(request.drafts)
        return outcomes

    def _append_admitted(self, request: CommitRequest) -> Committed:
        committed = admit(request, self)
        if committed.new and committed.rows:
            rows = committed.rows
            statements.INSERT.run(self._connection, rows)
            self._insert_tags([(tag, row[0]) for row in rows if row[10] != "[]" for tag in decode_tags(row[10])])
            self._count(rows, 6, 9)
            self._head = rows[-1][0]
        return committed

    def _insert_tags(self, tags: list[tuple[str, int]]) -> None:
        tags.sort()  # as they are stored: neighbours go into the same page
        statements.INSERT_TAG.run(self._connection, tags)

    def _count(self, rows: Sequence[Sequence[Any]], data: int, metadata: int) -> None:
        """By how much the log has grown; every eighth row stands for all."""
        self._head = self.head() + len(rows)
        self.appended += len(rows)
        sample = rows[::8]
        self.payload += sum(len(row[data]) + len(row[metadata]) for row in sample) * len(rows) // max(1, len(sample))


def _asks_nothing(request: CommitRequest) -> bool:
    """Whether the request is accepted whatever the store holds."""
    return not (request.condition or request.keyed or request.caused or request.ids)


def _joined(parts: list[Sequence[Draft]]) -> Sequence[Draft]:
    """All drafts, one part after the other; plain ones if they all are."""
    rows = [part.rows for part in parts if isinstance(part, PlainDrafts)]
    if len(rows) == len(parts):
        return PlainDrafts(list(chain.from_iterable(rows)))
    return list(chain.from_iterable(parts))
