"""Reading a damaged file: what is left of it can be exported into a new store."""

from __future__ import annotations

import contextlib
import sqlite3

from eventlite_sqlite import statements
from eventlite_sqlite.settings import Settings
from eventlite_sqlite.storage import SqliteStorage


class SalvagedStorage(SqliteStorage):
    """Ends at the last event before the first damage; nothing can be written."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._last = self._last_readable()

    def head(self) -> int:
        """The id of the last event that can be read."""
        return self._last

    def _last_readable(self) -> int:
        last = 0
        with self._readers.fresh() as reader, contextlib.suppress(sqlite3.DatabaseError):
            reader.connection.text_factory = bytes
            for row in reader.connection.execute(statements.ALL):
                last = row[0]
        return last
