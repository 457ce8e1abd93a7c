"""On one PostgreSQL server, started for the run: EventLite, bare psycopg into the same table, and `eventsourcing`.

Bare psycopg gives positions under the same lock, since without it a follower would skip events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import psycopg
from eventlite_postgres.testing import Server, drop_schema, running_server

from benchmarks.peers import eventsourcing
from benchmarks.peers.arena import Arena, Events, required
from benchmarks.peers.crew import Crew, Tool, Work, crew
from eventlite import Kernel, NewEvent
from eventlite.bench import timed
from eventlite.bench.rounds import Rounds
from eventlite.drafting import draft_batch, now
from eventlite.event import COLUMNS

#: Threads or processes that append at once.
WORKERS = 8
_PAGE = 1_000
_COLUMNS = ", ".join(f'"{name}"' for name in COLUMNS)
_LOCK = "SELECT pg_advisory_xact_lock(7)"
_INSERT = (
    f"INSERT INTO {{schema}}.event ({_COLUMNS}) SELECT coalesce(max(id), 0) + 1, {', '.join(['%s'] * 12)} "
    "FROM {schema}.event RETURNING id"
)

_numbers = count(1)


def append(arena: Arena) -> Rounds:
    """One append after the other."""
    events = Events()
    with _kernel(arena) as kernel:
        while True:
            yield timed(_append_each, kernel, events.next(arena.scale.appends))


def append_from_threads(arena: Arena) -> Rounds:
    """Eight threads on one kernel."""
    events = Events()
    with _kernel(arena) as kernel, ThreadPoolExecutor(WORKERS) as pool:
        while True:
            made = events.next(arena.scale.appends)
            yield timed(_share, pool, lambda part: _append_each(kernel, part), made)


def append_from_processes(arena: Arena) -> Rounds:
    """Eight processes, each with a kernel of its own."""
    events = Events()
    with _store(arena) as place:
        while True:
            yield _crew(arena).round(Tool(_kernel_of, place), events.next(arena.scale.appends))


def bulk(arena: Arena) -> Rounds:
    """All events in one call, into a new store."""
    events = Events()
    while True:
        made = events.next(arena.scale.events)
        with _kernel(arena) as kernel:
            yield timed(_append_bulk, kernel, made)


def stream(arena: Arena) -> Rounds:
    """Every event, its payload not touched."""
    with _kernel(arena) as kernel:
        kernel.append_bulk(Events().next(arena.scale.events))
        while True:
            yield timed(_stream, kernel)


def bare_append(arena: Arena) -> Rounds:
    """BEGIN, lock, INSERT, COMMIT, one event after the other."""
    events = Events()
    with _table(arena) as (connection, schema):
        while True:
            yield timed(_insert_each, connection, _drafts(events.next(arena.scale.appends)), schema)


def bare_append_from_processes(arena: Arena) -> Rounds:
    """The same from eight processes."""
    events = Events()
    with _store(arena) as place:
        while True:
            yield _crew(arena).round(Tool(_connection_of, place), _drafts(events.next(arena.scale.appends)))


def bare_copy(arena: Arena) -> Rounds:
    """COPY of ready rows into a new table."""
    events = Events()
    while True:
        rows = [(id, *draft) for id, draft in enumerate(_drafts(events.next(arena.scale.events)), 1)]
        with _table(arena) as (connection, schema):
            yield timed(_copy, connection, schema, rows)


def bare_scan(arena: Arena) -> Rounds:
    """Every row as a tuple, in pages by position."""
    with _table(arena) as (connection, schema):
        rows = [(id, *draft) for id, draft in enumerate(_drafts(Events().next(arena.scale.events)), 1)]
        _copy(connection, schema, rows)
        while True:
            yield timed(_scan, connection, schema)


def rival_append(arena: Arena) -> Rounds:
    """`eventsourcing` the documented way, one event after the other."""
    events, numbers = Events(), count()
    with _recorder(arena) as recorder:
        while True:
            yield timed(_put_each, recorder, events.next(arena.scale.appends), numbers)


def rival_append_from_threads(arena: Arena) -> Rounds:
    """The same from eight threads."""
    events, numbers = Events(), count()
    with _recorder(arena) as recorder, ThreadPoolExecutor(WORKERS) as pool:
        while True:
            made = list(zip(events.next(arena.scale.appends), numbers, strict=False))
            yield timed(_share, pool, partial(_put_numbered, recorder), made)


def rival_append_from_processes(arena: Arena) -> Rounds:
    """The same from eight processes."""
    events, numbers = Events(), count()
    with _table_of_rival(arena) as place:
        while True:
            made = list(zip(events.next(arena.scale.appends), numbers, strict=False))
            yield _crew(arena).round(Tool(_recorder_of, place), made)


# --- where


def _server(arena: Arena) -> Server:
    return arena.shared("postgres", lambda: running_server(shared_buffers="256MB"))


def _crew(arena: Arena) -> Crew:
    _server(arena)  # opened first, closed last
    return arena.shared("crew", lambda: crew(WORKERS))


@contextmanager
def _store(arena: Arena) -> Iterator[tuple[str, str]]:
    """The DSN and the schema of a new store."""
    server, schema = _server(arena), f"peer_{next(_numbers)}"
    with _opened(server.dsn(), schema):
        pass
    try:
        yield server.dsn(), schema
    finally:
        drop_schema(server.dsn(), schema)


def _opened(dsn: str, schema: str) -> Kernel:
    """A kernel without the cache, which would answer reads."""
    return Kernel.from_profile("postgres", storage={"dsn": dsn, "schema": schema}, caching={"plugin": "none"})


@contextmanager
def _kernel(arena: Arena) -> Iterator[Kernel]:
    """A kernel over a new store."""
    with _store(arena) as place, _opened(*place) as kernel:
        yield kernel


@contextmanager
def _table(arena: Arena) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """The table of a new store, with its indexes, for others to write to."""
    with _store(arena) as (dsn, schema), psycopg.connect(dsn, autocommit=True) as connection:
        yield connection, schema


@contextmanager
def _table_of_rival(arena: Arena) -> Iterator[tuple[str, str]]:
    """The directory of the server, and the name of a new table of `eventsourcing`."""
    required("eventsourcing")
    server, table = _server(arena), f"rival_{next(_numbers)}"
    with _recorder_at(str(server.directory), table) as recorder:
        recorder.create_table()
    try:
        yield str(server.directory), table
    finally:
        _administer(server, f"DROP TABLE {table}")


@contextmanager
def _recorder_at(directory: str, table: str) -> Iterator[Any]:
    module = required("eventsourcing.postgres")
    datastore = module.PostgresDatastore("postgres", directory, "5432", "postgres", "", pool_size=WORKERS)
    try:
        yield module.PostgresApplicationRecorder(datastore, events_table_name=table)
    finally:
        datastore.close()


@contextmanager
def _recorder(arena: Arena) -> Iterator[Any]:
    with _table_of_rival(arena) as place, _recorder_at(*place) as recorder:
        yield recorder


def _administer(server: Server, statement: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(statement.encode())


# --- where, in a process of the crew


@contextmanager
def _kernel_of(dsn: str, schema: str) -> Iterator[Work]:
    with _opened(dsn, schema) as kernel:
        yield partial(_append_each, kernel)


@contextmanager
def _connection_of(dsn: str, schema: str) -> Iterator[Work]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield partial(_insert_each, connection, schema=schema)


@contextmanager
def _recorder_of(directory: str, table: str) -> Iterator[Work]:
    with _recorder_at(directory, table) as recorder:
        yield partial(_put_numbered, recorder)


# --- what


def _share(pool: ThreadPoolExecutor, work: Callable[[Sequence[Any]], int], items: Sequence[Any]) -> int:
    return sum(pool.map(work, [items[number::WORKERS] for number in range(WORKERS)]))


def _append_each(kernel: Kernel, events: Sequence[NewEvent]) -> int:
    for event in events:
        kernel.append_many([event])
    return len(events)


def _append_bulk(kernel: Kernel, events: Sequence[NewEvent]) -> int:
    return kernel.append_bulk(events).count


def _stream(kernel: Kernel) -> int:
    return sum(len(batch) for batch in kernel.stream(batch_size=_PAGE))


def _drafts(events: Sequence[NewEvent]) -> list[Any]:
    return list(draft_batch(list(events), None, recorded=now()).drafts)


def _insert_each(connection: psycopg.Connection[Any], drafts: Sequence[Any], schema: str) -> int:
    insert = _INSERT.format(schema=schema).encode()
    for draft in drafts:
        connection.execute("BEGIN")
        connection.execute(_LOCK)
        connection.execute(insert, draft).fetchone()
        connection.execute("COMMIT")
    return len(drafts)


def _copy(connection: psycopg.Connection[Any], schema: str, rows: Sequence[Any]) -> int:
    with connection.cursor().copy(f"COPY {schema}.event ({_COLUMNS}) FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(row)
    return len(rows)


def _scan(connection: psycopg.Connection[Any], schema: str) -> int:
    text = f"SELECT {_COLUMNS} FROM {schema}.event WHERE id > %s ORDER BY id LIMIT {_PAGE}".encode()
    read = last = 0
    while rows := connection.execute(text, (last,)).fetchall():
        read, last = read + len(rows), rows[-1][0]
    return read


def _put_each(recorder: Any, events: Sequence[NewEvent], numbers: Iterator[int]) -> int:
    for event in events:
        eventsourcing.STORE.insert(recorder, [event], numbers)
    return len(events)


def _put_numbered(recorder: Any, numbered: Sequence[tuple[NewEvent, int]]) -> int:
    for event, number in numbered:
        eventsourcing.STORE.insert(recorder, [event], iter([number]))
    return len(numbered)
