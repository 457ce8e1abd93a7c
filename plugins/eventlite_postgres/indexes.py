"""The switchable indexes as DDL, and back. Each of them ends with the id, so that a scan comes in the events' order."""

from __future__ import annotations

import re
import time
from typing import Any

import psycopg

from eventlite.contracts import INDEXES, Index
from eventlite.errors import InvalidQueryError, shown
from eventlite.event import COLUMNS
from eventlite.query import data_path
from eventlite_postgres.statements import expression
from eventlite_postgres.texts import identifier, quoted, texts

_PREFIX = "by_"

#: Seconds for which it is known which indexes there are.
_KNOWN = 60.0
_LISTED = """
    SELECT relname, pg_get_indexdef(indexrelid), indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
    WHERE indrelid = to_regclass(%s) AND starts_with(relname, 'by_')
"""


def create(schema: str, index: Index, *, concurrently: bool) -> str:
    """The statement that builds an index; a partial one where most values are missing.

    Raises `InvalidQueryError` for names that are not safe to write into a statement.
    """
    _check(index)
    columns, where = ", ".join(map(quoted, index.columns)), ""
    if index.path:
        columns = expression(schema, index.path, table="")
    if index.path or index.columns == ("causation_id",):
        where = f" WHERE {columns} IS NOT NULL"
    how = "CONCURRENTLY " if concurrently else ""
    name = f'"{_PREFIX}{index.name}"'
    text = f"CREATE INDEX {how}IF NOT EXISTS {name} ON {texts(schema).event} ({columns}, id){where}"
    return text.replace("%%", "%")


def drop(schema: str, name: str) -> str:
    """The statement that removes an index. Raises `InvalidQueryError` as `create` does."""
    _check(Index(name))
    return f'DROP INDEX IF EXISTS {identifier(schema)}."{_PREFIX}{name}"'.replace("%%", "%")


def listed(connection: psycopg.Connection[Any], schema: str) -> list[Index]:
    """The switchable indexes that exist, by name; not those that somebody else made, nor half-built ones."""
    rows = connection.execute(_LISTED, (_table(schema),)).fetchall()
    found = (_index(name.removeprefix(_PREFIX), text) for name, text, valid in rows if valid)
    return sorted(index for index in found if index is not None)


class Known:
    """The columns that have an index of their own, asked for now and then: others build and drop indexes too."""

    def __init__(self) -> None:
        self._columns = frozenset[str]()
        self._until = 0.0

    def columns(self, connection: psycopg.Connection[Any], schema: str) -> frozenset[str]:
        """Their names, as they were a minute ago at most."""
        if time.monotonic() >= self._until:
            self._columns = frozenset(
                index.columns[0] for index in listed(connection, schema) if len(index.columns) == 1
            )
            self._until = time.monotonic() + _KNOWN
        return self._columns

    def forget(self) -> None:
        """Ask anew at the next use."""
        self._until = 0.0


def unfinished(connection: psycopg.Connection[Any], schema: str) -> list[str]:
    """The names of those whose building was interrupted."""
    rows = connection.execute(_LISTED, (_table(schema),)).fetchall()
    return [name.removeprefix(_PREFIX) for name, _, valid in rows if not valid]


def _table(schema: str) -> str:
    return texts(schema).event.replace("%%", "%")


def _check(index: Index) -> None:
    """Identifiers cannot be parameters, so they are from an allow-list."""
    if not re.fullmatch("[A-Za-z0-9_]{1,60}", index.name):
        raise InvalidQueryError(f"{shown(index.name)} cannot be the name of an index", hint="Use a-z, 0-9 and _.")
    if not set(index.columns) <= set(COLUMNS):
        raise InvalidQueryError(f"an event has no columns {shown(index.columns)}")
    for part in index.path:
        data_path(part)


def _index(name: str, text: str) -> Index | None:
    if "event_json(" not in text:
        return INDEXES.get(name)
    keys = text.partition(" WHERE ")[0]
    return Index(name, path=tuple(part.replace("''", "'") for part in re.findall(r"-> '((?:[^']|'')*)'::text", keys)))
