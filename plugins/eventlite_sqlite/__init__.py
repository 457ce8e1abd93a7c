"""The default storage: one SQLite file, through the standard library's sqlite3.

`storage` is the whole.

* Writing: one `writer` for each file and process (`registry`); `transaction` is a unit of work, `inserting` and
  `records` what goes into it. `deferral` puts indexes off, `checkpoint` copies the log back.
* Reading: a pool of `readers`, each `reading` over a connection; `statements` makes SQL of a query. `news` wakes those
  who wait.
* Opening: `opening` looks at the place, at whose file it is (`identity`) and at its `schema` (the scripts in `sql`);
  `connection` is the one place that connects, `settings` and `indexes` say how. `failures` translates errors, and
  `forking` keeps children off.
* For people: `inspection`, `durability`, `backup`; `salvage` and `damage` for what is left of a broken file.
"""

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
