"""The switchable indexes as DDL, and back."""

from __future__ import annotations

import re
import sqlite3

from eventlite.contracts import INDEXES, Index
from eventlite.errors import InvalidQueryError, shown
from eventlite.event import COLUMNS
from eventlite.query import data_path
from eventlite_sqlite.statements import expression

_PREFIX = "event_by_"
_LISTED = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'event' AND name LIKE 'event_by_%'"


def create(index: Index) -> str:
    """The statement that builds an index; a partial one where most values are missing.

    Raises `InvalidQueryError` for names that are not safe to write into a statement.
    """
    _check(index)
    if index.path:
        value = expression(index.path).replace("event.", "", 1)
        return f'CREATE INDEX IF NOT EXISTS "{_PREFIX}{index.name}" ON event ({value}) WHERE ({value}) IS NOT NULL'
    partial = " WHERE causation_id IS NOT NULL" if index.columns == ("causation_id",) else ""
    return f'CREATE INDEX IF NOT EXISTS "{_PREFIX}{index.name}" ON event ({", ".join(index.columns)}){partial}'


def drop(name: str) -> str:
    """The statement that removes an index. Raises `InvalidQueryError` as `create` does."""
    _check(Index(name))
    return f'DROP INDEX IF EXISTS "{_PREFIX}{name}"'


def _check(index: Index) -> None:
    """Identifiers cannot be parameters, so they are from an allow-list."""
    if not re.fullmatch("[A-Za-z0-9_]{1,60}", index.name):
        raise InvalidQueryError(f"{shown(index.name)} cannot be the name of an index", hint="Use a-z, 0-9 and _.")
    unknown = set(index.columns) - set(COLUMNS)
    if unknown:
        raise InvalidQueryError(f"an event has no {', '.join(map(shown, sorted(unknown)))} to index")
    for part in index.path:
        data_path(part)


def listed(connection: sqlite3.Connection) -> list[Index]:
    """The switchable indexes that exist, by name; not those that somebody else made."""
    found = (_index(name.removeprefix(_PREFIX), text) for name, text in connection.execute(_LISTED))
    return sorted(index for index in found if index is not None)


def _index(name: str, text: str) -> Index | None:
    path = re.search(r"data -> '\$\.(.*?)'\)", text)
    if path is None:
        return INDEXES.get(name)
    return Index(name, path=tuple(re.findall(r'"([^"]*)"', path[1].replace("''", "'"))))
