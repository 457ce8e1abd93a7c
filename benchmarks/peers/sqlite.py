"""Bare `sqlite3`: the ten fields in the plain table of the JavaScript library, and nothing around it.

WAL, the same sync mode and the same page cache as EventLite's writer.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import orjson

from benchmarks.peers.arena import Arena, Events
from eventlite import NewEvent
from eventlite.bench import Scale, timed
from eventlite.bench.reading import PAGE
from eventlite.bench.rounds import Rounds
from eventlite.contracts import INDEXES

CORE = ("correlation_id", "causation_id")
ALL = tuple(INDEXES)

_COLUMNS = "version, datetime, user, ip, cmd, data, correlation_id, causation_id, metadata"
_INSERT = f"INSERT INTO queue ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_SCAN = f"SELECT id, {_COLUMNS} FROM queue ORDER BY id"
_GET = f"SELECT id, {_COLUMNS} FROM queue WHERE id = ?"
_CORRELATION = f"SELECT id, {_COLUMNS} FROM queue WHERE correlation_id = ? ORDER BY id"
_FIRST_PAGE = f"SELECT id, {_COLUMNS} FROM queue WHERE id > 0 ORDER BY id LIMIT {PAGE}"

#: KiB of page cache, as EventLite's writer and readers have it.
_WRITER_CACHE, _READER_CACHE = 16_384, 4_096

_TABLE = """
CREATE TABLE queue (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    version        INTEGER NOT NULL,
    datetime       INTEGER NOT NULL,
    user           TEXT    NOT NULL,
    ip             TEXT    NOT NULL,
    cmd            TEXT    NOT NULL,
    data           TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    causation_id   INTEGER,
    metadata       TEXT    NOT NULL
)
"""


def append(arena: Arena, synchronous: str) -> Rounds:
    """Encode and insert one event after the other, each in a transaction of its own."""
    events = Events()
    with arena.place() as place, _opened(place, synchronous, CORE) as connection:
        while True:
            yield timed(_insert_each, connection, events.next(arena.scale.appends))


def bulk(arena: Arena, synchronous: str, indexes: Sequence[str] = CORE, *, own_ids: bool = True) -> Rounds:
    """Insert ready tuples into a new table, in one transaction.

    Without `own_ids` each has a random correlation id, as the JavaScript library makes them.
    """
    events, chance = Events(), Random(5)
    while True:
        rows = [_row(event) for event in events.next(arena.scale.events)]
        if not own_ids:
            rows = [(*row[:6], str(UUID(int=chance.getrandbits(128), version=4)), *row[7:]) for row in rows]
        with arena.place() as place, _opened(place, synchronous, indexes) as connection:
            measured = timed(_insert_all, connection, rows)
        del rows
        yield measured


def scan(arena: Arena, scale: Scale) -> Rounds:
    """Every row as a tuple."""
    yield from _reading(arena, scale, lambda connection, _: timed(_scan, connection))


def get(arena: Arena, scale: Scale) -> Rounds:
    """Rows by id, from all over the table."""
    chance = Random(11)

    def read(connection: sqlite3.Connection, size: int) -> Any:
        return timed(_get_each, connection, chance.sample(range(1, size + 1), scale.reads))

    yield from _reading(arena, scale, read)


def correlation(arena: Arena, scale: Scale) -> Rounds:
    """The ten rows of a correlation."""
    chance = Random(11)

    def read(connection: sqlite3.Connection, size: int) -> Any:
        ids = [_correlation_of(connection, chance.randint(1, size)) for _ in range(max(1, scale.reads // 5))]
        return timed(_read_correlations, connection, list(dict.fromkeys(ids)))

    yield from _reading(arena, scale, read)


def first_page(arena: Arena, scale: Scale) -> Rounds:
    """The first rows, again and again."""
    yield from _reading(arena, scale, lambda connection, _: timed(_first_pages, connection, scale.reads // 50))


def _reading(arena: Arena, scale: Scale, read: Callable[[sqlite3.Connection, int], Any]) -> Rounds:
    events = Events()
    with arena.place() as place:
        with _opened(place, "NORMAL", CORE) as connection:
            for start in range(0, scale.events, 10_000):
                _insert_all(connection, [_row(event) for event in events.next(min(10_000, scale.events - start))])
        with _opened(place, "NORMAL", None) as connection:
            while True:
                yield read(connection, scale.events)


@contextmanager
def _opened(place: Path, synchronous: str, indexes: Sequence[str] | None) -> Iterator[sqlite3.Connection]:
    """The table, made with its indexes; None is to read one that is there."""
    with closing(sqlite3.connect(place / "bare.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA cache_size = -{_READER_CACHE if indexes is None else _WRITER_CACHE}")
        if indexes is not None:
            connection.execute(_TABLE)
            for name in indexes:
                connection.execute(f"CREATE INDEX queue_{name} ON queue ({', '.join(INDEXES[name].columns)})")
        yield connection


def _row(event: NewEvent) -> tuple[Any, ...]:
    return (
        event.version,
        time.time_ns() // 1_000_000,
        event.user,
        event.ip,
        event.cmd,
        orjson.dumps(event.data).decode(),
        event.correlation_id,
        None,
        orjson.dumps(event.metadata).decode(),
    )


def _insert_each(connection: sqlite3.Connection, events: Sequence[NewEvent]) -> int:
    for event in events:
        connection.execute(_INSERT, _row(event))
    return len(events)


def _insert_all(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(_INSERT, rows)
    connection.execute("COMMIT")
    return len(rows)


def _scan(connection: sqlite3.Connection) -> int:
    read = 0
    for _ in connection.execute(_SCAN):
        read += 1
    return read


def _get_each(connection: sqlite3.Connection, ids: Sequence[int]) -> int:
    for id in ids:
        connection.execute(_GET, (id,)).fetchone()
    return len(ids)


def _correlation_of(connection: sqlite3.Connection, id: int) -> str:
    found: str = connection.execute("SELECT correlation_id FROM queue WHERE id = ?", (id,)).fetchone()[0]
    return found


def _read_correlations(connection: sqlite3.Connection, ids: Sequence[str]) -> int:
    for id in ids:
        connection.execute(_CORRELATION, (id,)).fetchall()
    return len(ids)


def _first_pages(connection: sqlite3.Connection, pages: int) -> int:
    for _ in range(pages):
        connection.execute(_FIRST_PAGE).fetchall()
    return pages
