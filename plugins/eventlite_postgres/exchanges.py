"""The two exchanges with the server that a group of requests takes: one begins and asks, the other writes and commits.

Each is a pipeline: one message there and one back, however many statements. The turn to write is a statement of its
own, and what comes behind it sees all that was committed before the turn was given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import psycopg

from eventlite.event import MAX_ID, PlainDraft, Row
from eventlite.query import Condition
from eventlite_postgres import statements
from eventlite_postgres.copying import event_blocks, plain_blocks, tag_blocks
from eventlite_postgres.foreseen import Answers, Questions, tagged
from eventlite_postgres.reading import new_cursor
from eventlite_postgres.texts import Texts, on_path, texts

#: From so many rows on COPY is quicker than INSERT.
COPIED = 50

#: Whatever isolation is usual on the server, the check of a condition has to see what is committed by then.
_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"

#: Waits for the standby as a commit that writes does: what is answered again may be known to the primary alone.
_CONFIRM = "SELECT pg_logical_emit_message(true, 'eventlite', '')"


class Turn(NamedTuple):
    """The lock that gives the turn to write, and for how many milliseconds to wait for it."""

    lock: int
    patience: int


def begin(connection: psycopg.Connection[Any], schema: str, turn: Turn) -> int:
    """Begin a transaction of which others use the connection, and wait for the turn to write; the head as of then."""
    cursor = connection.execute(f"{_BEGIN}; {on_path(schema)}; {texts(schema).begin % turn}".encode())
    while cursor.nextset():
        pass
    return _number(cursor)


def begin_and_ask(connection: psycopg.Connection[Any], schema: str, turn: Turn, asked: Questions) -> Answers:
    """Begin a transaction, wait for the turn to write, and ask what admission wants to know."""
    known = texts(schema)
    with connection.pipeline():
        connection.execute(_BEGIN)
        head = new_cursor(connection).execute(known.begin, turn)
        by_key = new_cursor(connection).execute(known.by_keys, (asked.keys,)) if asked.keys else ()
        by_id = new_cursor(connection).execute(known.by_ids, (asked.causes,)) if asked.causes else ()
        last = {condition: _ask_last(connection, schema, condition) for condition in asked.conditions}
    return Answers(
        _number(head),
        {row[11]: row for row in by_key},
        {row[0]: row for row in by_id},
        {condition: 0 if cursor is None else _number(cursor) for condition, cursor in last.items()},
    )


def load(connection: psycopg.Connection[Any], schema: str, turn: Turn, plain: Sequence[PlainDraft]) -> int | None:
    """Begin a transaction and write events of which nothing has to be asked; the first id, or None where ids end."""
    first = begin(connection, schema, turn) + 1
    if first + len(plain) > MAX_ID:
        return None
    _copy(connection, texts(schema).copy, plain_blocks(first, plain))
    return first


def insert(connection: psycopg.Connection[Any], known: Texts, rows: Sequence[Row]) -> None:
    """Write events and their tags."""
    if len(rows) >= COPIED:
        _copy(connection, known.copy, event_blocks(rows))
        if tags := list(tagged(rows)):
            _copy(connection, known.copy_tags, tag_blocks(tags))
    else:
        with connection.pipeline():
            _put(connection, known, rows)


def commit(connection: psycopg.Connection[Any], known: Texts, rows: Sequence[Row] = (), *, confirm: bool) -> None:
    """Write the last events, fewer than `COPIED`, and commit."""
    with connection.pipeline():
        _put(connection, known, rows)
        if confirm:
            connection.execute(_CONFIRM)
        connection.execute("COMMIT")


def _put(connection: psycopg.Connection[Any], known: Texts, rows: Sequence[Row]) -> None:
    for text, values in ((known.insert, rows), (known.insert_tag, list(tagged(rows)))):
        if len(values) == 1:
            new_cursor(connection).execute(text, values[0])
        elif values:
            new_cursor(connection).executemany(text, values)


def _copy(connection: psycopg.Connection[Any], text: str, blocks: Iterator[str]) -> None:
    with connection.cursor().copy(text.encode()) as copy:
        for block in blocks:
            copy.write(block)


def _ask_last(connection: psycopg.Connection[Any], schema: str, condition: Condition) -> psycopg.Cursor[Any] | None:
    """The question for the last event that a condition forbids; None where there can be none."""
    found = statements.scans(schema, condition.query)
    if not found:
        return None
    return new_cursor(connection).execute(*statements.last(texts(schema), found, condition.after))


def _number(cursor: psycopg.Cursor[Any]) -> int:
    row = cursor.fetchone()
    return int(row[0] or 0) if row is not None else 0
