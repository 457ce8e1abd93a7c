"""The default storage: one SQLite file, through the standard library's sqlite3."""

from __future__ import annotations

from eventlite import hookimpl
from eventlite.contracts import Storage
from eventlite_sqlite.durability import durability
from eventlite_sqlite.settings import Settings

__all__ = ["CONTRACT", "Settings", "durability", "eventlite_make_storage"]

CONTRACT = 1


@hookimpl
def eventlite_make_storage(settings: Settings) -> Storage:
    """Open the file, or create it."""
    if settings.salvage:
        from eventlite_sqlite.salvage import SalvagedStorage

        return SalvagedStorage(settings)
    from eventlite_sqlite.storage import SqliteStorage

    return SqliteStorage(settings)
