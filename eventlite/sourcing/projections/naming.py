"""Names of tables, and statements with such names in braces and `?` for each value."""

from __future__ import annotations

import re
from collections.abc import Mapping

from eventlite.errors import ProjectionError, did_you_mean, shown

#: What a table may be called: lower case, since PostgreSQL folds names, and short enough for a generation behind it.
_TABLE = re.compile(r"[a-z_][a-z0-9_]{0,39}\Z")
_BRACES = re.compile(r"\{(\w+)\}")
_PLACES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\?|%")

#: The store's own.
_TAKEN = frozenset({"event", "events", "event_tag", "state", "eventlite"})


def check_table(projection: str, table: object) -> None:
    """Raise `ProjectionError` unless a table may be called that."""
    if not isinstance(table, str) or not _TABLE.match(table) or "__" in table or table.startswith(("sqlite_", "pg_")):
        raise ProjectionError(
            f"projection {projection!r}: a table cannot be called {shown(table)}",
            hint="Use at most 40 lower-case letters, digits and single underscores, such as open_orders.",
        )
    if table in _TAKEN:
        raise ProjectionError(f"projection {projection!r}: a table cannot be called {table!r}: the store has its own")


class Wording:
    """Writes statements for one dialect and one set of tables; each text is worked on once."""

    def __init__(self, dialect: str, names: Mapping[str, str]) -> None:
        self._dialect = dialect
        self._names = names
        self._written: dict[str, str] = {}

    def __call__(self, statement: str) -> str:
        """The statement as the database takes it. Raises `ProjectionError` for a table that is none of these."""
        try:
            return self._written[statement]
        except KeyError:
            written = self._written[statement] = self._write(statement)
            return written

    def _write(self, statement: str) -> str:
        named = _BRACES.sub(self._name, statement)
        return named if self._dialect == "sqlite" else _PLACES.sub(_place, named)

    def _name(self, match: re.Match[str]) -> str:
        try:
            return self._names[match[1]]
        except KeyError:
            meant = did_you_mean(match[1], self._names)
            raise ProjectionError(
                f"there is no table {match[0]} in this projection",
                hint=meant or "Hand values over as parameters, with ? in their places.",
            ) from None


def _place(match: re.Match[str]) -> str:
    """Psycopg wants `%s` for a value, and every other percent sign doubled, in texts too."""
    found = match[0]
    return "%s" if found == "?" else found.replace("%", "%%")
