"""State in tables of the store's database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eventlite.sourcing.projections.naming import Wording


class TableState:
    """What handlers of tables get: statements with names of tables in braces and `?` for each value."""

    def __init__(self, connection: Any, wording: Wording) -> None:
        self._wording = wording
        #: The DB-API connection that the transaction runs on.
        self.connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Execute a statement; returns the DB-API cursor."""
        return self.connection.execute(self._wording(statement), parameters)

    def executemany(self, statement: str, parameters: Iterable[Sequence[Any]]) -> Any:
        """Execute a statement for each of several lists of values; returns the DB-API cursor."""
        cursor = self.connection.cursor()
        cursor.executemany(self._wording(statement), parameters)
        return cursor

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a statement finds."""
        return list(self.execute(statement, parameters).fetchall())

    def settle(self) -> None:
        """Statements have done all there is to do."""


def exists(connection: Any, dialect: str, table: str) -> bool:
    """Whether there is a table or view of that name."""
    if dialect == "sqlite":
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE lower(name) = ?", (table,)).fetchone()
    else:
        here = "SELECT 1 FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = %s"
        found = connection.execute(here, (table,)).fetchone()
    return found is not None


def columns(connection: Any, table: str) -> list[str]:
    """The names of a table's columns."""
    return [column[0] for column in connection.execute(f"SELECT * FROM {table} LIMIT 0").description]


def drop(connection: Any, tables: Iterable[str]) -> None:
    """Drop tables, those that were made later first, as they may refer to others."""
    for table in reversed(list(tables)):
        connection.execute(f"DROP TABLE IF EXISTS {table}")
