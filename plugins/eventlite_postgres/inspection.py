"""What people want to know about the store: summary, sizes, soundness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import psycopg

from eventlite.contracts import Statistics
from eventlite_postgres import indexes
from eventlite_postgres.schema import SCHEMA_VERSION
from eventlite_postgres.texts import quoted, script, texts

_SIZES = """
    SELECT relname, pg_relation_size(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid IN (to_regclass(%s), to_regclass(%s)) ORDER BY 1
"""
_SERVER = ("server_version", "fsync", "full_page_writes", "synchronous_commit", "synchronous_standby_names")


def statistics(connection: psycopg.Connection[Any], schema: str) -> Statistics:
    """A summary of all events."""
    row = connection.execute(script("statistics.sql", schema).encode()).fetchone()
    assert row is not None
    tallies = (_tally(connection, schema, column) for column in ("cmd", "user", "version"))
    return Statistics(*row, *tallies)


def _tally(connection: psycopg.Connection[Any], schema: str, column: str) -> dict[Any, int]:
    name = quoted(column)
    text = f"SELECT {name}, count(*) FROM {texts(schema).event} GROUP BY {name} ORDER BY 2 DESC, 1"
    return dict(connection.execute(text, ()).fetchall())


def facts(connection: psycopg.Connection[Any], schema: str) -> Mapping[str, Any]:
    """Where it is, sizes in bytes, versions and settings of the server."""
    info, store = connection.info, texts(schema)
    tables = [table.replace("%%", "%") for table in (store.event, store.tag)]
    sizes = connection.execute("SELECT pg_table_size(to_regclass(%s)), pg_table_size(to_regclass(%s))", tables)
    event_bytes, tag_bytes = sizes.fetchall()[0]
    return {
        "host": info.host,
        "database": info.dbname,
        "schema": schema,
        "role": info.user,
        "event_bytes": event_bytes,
        "tag_bytes": tag_bytes,
        "index_bytes": dict(connection.execute(_SIZES, tables).fetchall()),
        "schema_version": SCHEMA_VERSION,
        **{name: _setting(connection, name) for name in _SERVER},
        "standby": _one(connection, "SELECT pg_is_in_recovery()"),
    }


def check(connection: psycopg.Connection[Any], schema: str) -> Iterator[str]:
    """What is wrong with the store, a sentence each."""
    for name in indexes.unfinished(connection, schema):
        yield f"the index {name} was not finished: drop it, or run `eventlite indexes apply`"
    for event_id, tag in connection.execute(script("untagged.sql", schema).encode()):
        yield f"event {event_id} and the tag table disagree about tag {tag!r}"


def _setting(connection: psycopg.Connection[Any], name: str) -> Any:
    return _one(connection, f"SELECT current_setting('{name}')")


def _one(connection: psycopg.Connection[Any], text: str) -> Any:
    row = connection.execute(text.encode()).fetchone()
    assert row is not None
    return row[0]
