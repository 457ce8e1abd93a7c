"""Statements on one connection inside one transaction, in whichever dialect."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from eventlite_jobs.durable.dialects import Dialect


class Session:
    """Runs statements that are written as `Dialect.text` takes them."""

    __slots__ = ("_announce", "_connection", "dialect")

    def __init__(
        self, connection: Any, dialect: Dialect, announce: Callable[[Any], None] = lambda _connection: None
    ) -> None:
        self._connection = connection
        self._announce = announce
        self.dialect = dialect

    def announce(self) -> None:
        """There will be something to do for workers, in other processes too, once this is committed."""
        self._announce(self._connection)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, or of a statement with RETURNING."""
        found: list[tuple[Any, ...]] = self._connection.execute(self.dialect.text(statement), values).fetchall()
        return found

    def row(self, statement: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """The first row, or None."""
        found: tuple[Any, ...] | None = self._connection.execute(self.dialect.text(statement), values).fetchone()
        return found

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """How many rows a statement without RETURNING has changed."""
        changed: int = self._connection.execute(self.dialect.text(statement), values).rowcount
        return changed

    def run_many(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """The statement once for each of the values."""
        self._connection.cursor().executemany(self.dialect.text(statement), values)

    def has_table(self, name: str) -> bool:
        """Whether there is a table of that name."""
        return self.row(self.dialect.has_table, (self.dialect.prefix + name,)) is not None
