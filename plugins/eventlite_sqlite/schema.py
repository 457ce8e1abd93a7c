"""Creating the store and bringing an older one up to date."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eventlite.errors import StorageError
from eventlite_sqlite.connection import connect
from eventlite_sqlite.identity import APPLICATION_ID, SCHEMA_VERSION
from eventlite_sqlite.settings import Settings

if TYPE_CHECKING:
    from sqlite_utils import Migrations


def sql(name: str) -> str:
    """The text of a file in `sql/`."""
    return (files("eventlite_sqlite") / "sql" / name).read_text(encoding="utf-8")


def create_file(path: Path) -> None:
    """An empty file that only its owner may read and write; one that is there is left as it is."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def migrate(path: Path, settings: Settings) -> None:
    """Bring the file to `SCHEMA_VERSION`, in one transaction; several processes may try at once."""
    connection = connect(path, "rw", settings.busy_timeout)
    try:
        connection.execute(f"PRAGMA page_size = {settings.page_size}")
        _use_wal(connection, path, settings.busy_timeout)
        connection.execute("BEGIN IMMEDIATE")
        _migrations().apply(_database(connection))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    finally:
        connection.close()


#: Seconds for which an answer other than "wal" may come from others that switch at the same time.
_PATIENCE = 2.0


def _use_wal(connection: sqlite3.Connection, path: Path, timeout: float) -> None:
    """Switching to WAL does not wait for others by itself, so it is tried again."""
    began = time.monotonic()
    while (mode := _switched(connection, began + timeout)) != "wal":
        if mode is not None and time.monotonic() > began + _PATIENCE:
            break
        time.sleep(0.01)
    if mode != "wal":  # all that SQLite says where processes cannot share memory
        raise StorageError(
            f"{path} cannot have a write-ahead log where it is (journal mode {mode})",
            hint="Put the store on a local disk: file systems of a network cannot keep one.",
        )


def _switched(connection: sqlite3.Connection, deadline: float) -> str | None:
    """The journal mode that SQLite has chosen, None while it is busy."""
    try:
        mode: str = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
            raise
        return None
    return mode


def _database(connection: sqlite3.Connection) -> Any:
    import sqlite_utils

    return sqlite_utils.Database(connection, execute_plugins=False)


def _migrations() -> Migrations:
    from sqlite_utils import Migrations

    migrations = Migrations("eventlite")

    @migrations(name="001_events")
    def events(database: Any) -> None:
        for statement in _statements(sql("001_events.sql")):
            database.execute(statement)

    return migrations


def _statements(script: str) -> list[str]:
    """The statements of a script; sqlite3's own executescript would end the transaction."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
