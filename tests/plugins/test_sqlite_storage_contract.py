"""The storage on SQLite keeps the contract of a storage."""

from __future__ import annotations

from pathlib import Path

from eventlite_sqlite import Settings, eventlite_make_storage

from eventlite.contracts import Storage
from eventlite.testing import StorageContract


class TestSqliteStorage(StorageContract):
    covers = "storage:sqlite"

    def open_storage(self, place: Path) -> Storage:
        return eventlite_make_storage(settings=Settings(path=place))
