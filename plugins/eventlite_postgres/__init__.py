"""A storage on a PostgreSQL server: the same semantics for many machines, and a standby where one is wanted."""

from __future__ import annotations

import psycopg  # noqa: F401 - so that a missing one is told when the plugin is loaded, with the extra that brings it

from eventlite import hookimpl
from eventlite.contracts import Storage
from eventlite_postgres.settings import Settings

__all__ = ["CONTRACT", "Settings", "eventlite_make_storage"]

CONTRACT = 1


@hookimpl
def eventlite_make_storage(settings: Settings) -> Storage:
    """Connect, and create the store or bring it up to date."""
    from eventlite_postgres.storage import PostgresStorage

    return PostgresStorage(settings)
