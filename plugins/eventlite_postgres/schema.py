"""Finding a store in a database, creating it, and bringing an older one up to date."""

from __future__ import annotations

from typing import Any, NamedTuple

import psycopg

from eventlite.errors import ForeignFileError, SchemaVersionError, StorageError, StoreNotFoundError, shown
from eventlite_postgres.settings import Settings
from eventlite_postgres.texts import LOCKS, identifier, script

#: One file for each version of the schema; the number of the last one is the newest that this code reads and writes.
MIGRATIONS = ("001_events.sql",)
SCHEMA_VERSION = len(MIGRATIONS)

# The tables are asked, not to_regnamespace: that may remember what was true before this transaction got its lock.
_TABLES = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = %s AND relname = ANY(%s)
"""
_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %s"
_OURS = ["event", "event_tag", "state", "events", "eventlite"]


class Store(NamedTuple):
    """Which store it is: its schema, the number of its lock, and the channel of its announcements."""

    schema: str
    lock: int
    channel: str


def prepare(connection: psycopg.Connection[Any], settings: Settings) -> Store:
    """Make sure that there is a store of the present schema. Raises a `StorageError`; psycopg's errors pass."""
    _check_encoding(connection)
    schema = settings.schema_name or _usual_schema(connection)
    version = _version(connection, schema)
    if version == 0 and not settings.create:
        raise StoreNotFoundError(f"there is no store in the schema {schema}", hint="Name another with storage.schema.")
    if version < SCHEMA_VERSION:
        _migrate(connection, schema)
    table = f"{identifier(schema)}.event".replace("%%", "%")
    row = connection.execute("SELECT to_regclass(%s)::oid::integer", (table,)).fetchone()
    assert row is not None
    return Store(schema, row[0], f"eventlite_{row[0] & 0xFFFFFFFF}")


def _check_encoding(connection: psycopg.Connection[Any]) -> None:
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StorageError(
            f"the database {connection.info.dbname} has the encoding {encoding}, and events may hold any Unicode",
            hint="Use a database made with: createdb --encoding=UTF8 --template=template0 NAME",
        )


def _usual_schema(connection: psycopg.Connection[Any]) -> str:
    row = connection.execute("SELECT current_schema()").fetchone()
    if row is None or row[0] is None:
        raise StorageError(
            "no schema of the search_path exists", hint="Name one with the setting `schema`: it is created."
        )
    return str(row[0])


def _version(connection: psycopg.Connection[Any], schema: str) -> int:
    """The version of the store in a schema, 0 without one. Raises `ForeignFileError` or `SchemaVersionError`."""
    found = {name for (name,) in connection.execute(_TABLES, (schema, _OURS))}
    if not found:
        return 0
    if "eventlite" not in found:
        raise ForeignFileError(
            f"the schema {schema} has another program's {', '.join(sorted(found))}; it was left untouched",
            hint="Choose another with the setting `schema`: it is created.",
        )
    row = connection.execute(f"SELECT max(version) FROM {identifier(schema)}.eventlite", ()).fetchone()
    version = int(row[0]) if row is not None and row[0] is not None else 0
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"the store in schema {schema} has version {version}; this EventLite reads up to {SCHEMA_VERSION}. "
            "It was left untouched",
            hint="Upgrade EventLite: pip install --upgrade eventlite-sourcing",
        )
    return version


def _migrate(connection: psycopg.Connection[Any], schema: str) -> None:
    """Run what is missing in one transaction; of several processes that try at once one does it, the others wait."""
    if "\0" in schema:
        raise StorageError(f"{shown(schema)} cannot be the name of a schema")
    name = identifier(schema).replace("%%", "%")
    connection.execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
    try:
        connection.execute("SELECT pg_advisory_xact_lock(%s::integer, hashtext(%s))", (LOCKS + 1, schema))
        if not connection.execute(_SCHEMA, (schema,)).fetchone():
            # IF NOT EXISTS would ask for the right to create one all the same.
            connection.execute(f"CREATE SCHEMA {name}".encode())
        connection.execute(
            f"CREATE TABLE IF NOT EXISTS {name}.eventlite "
            "(version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())".encode()
        )
        for version in range(_version(connection, schema) + 1, SCHEMA_VERSION + 1):
            connection.execute(script(MIGRATIONS[version - 1], schema).encode())
            connection.execute(f"INSERT INTO {name}.eventlite (version) VALUES ({version})".encode())
        connection.execute("COMMIT")
    except BaseException:
        if not connection.closed:
            connection.execute("ROLLBACK")
        raise
