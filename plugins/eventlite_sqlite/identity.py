"""Whose file is it? Decided before anything is written to it."""

from __future__ import annotations

import sqlite3
import stat
from pathlib import Path

from eventlite.errors import ForeignFileError, SchemaVersionError, StorageError, StoreNotFoundError, shown
from eventlite_sqlite.connection import connect

#: `PRAGMA application_id` of an EventLite store: "EvLt" in ASCII.
APPLICATION_ID = 0x45764C74

#: The newest schema this code reads and writes, in `PRAGMA user_version`.
SCHEMA_VERSION = 1

#: Bytes of the smallest database: one page of the smallest size.
SMALLEST_FILE = 512


def check_place(path: Path, create: bool) -> bool:
    """Whether there is a file that holds something; raises a `StorageError` if there cannot be one."""
    try:
        found = path.stat()
    except FileNotFoundError:
        found = None
    except (OSError, ValueError) as error:
        raise StorageError(f"{shown(str(path))} cannot be reached: {getattr(error, 'strerror', error)}") from None
    if found is not None and not stat.S_ISREG(found.st_mode):
        what = "a directory" if stat.S_ISDIR(found.st_mode) else "something else"
        raise StorageError(f"{path} is {what}, not a database file")
    if found is not None and found.st_size:
        _check_size(path, found.st_size)
        return True
    if not create:
        raise StoreNotFoundError(f"there is no store at {path}", hint="Name another with --db or `storage.path`.")
    if not path.parent.is_dir():
        raise StorageError(f"the directory {path.parent} does not exist", hint="Create it, or choose another path.")
    return False


def _check_size(path: Path, size: int) -> None:
    """SQLite itself takes a file of one byte for a new database."""
    if size < SMALLEST_FILE:
        raise ForeignFileError(f"{path} is not a database; it was left untouched")


def schema_version(path: Path, mode: str, busy_timeout: float) -> int:
    """The schema version of the store at `path`, 0 for an empty database.

    Raises `ForeignFileError` or `SchemaVersionError`; the file is only read.
    """
    connection = connect(path, mode, busy_timeout)
    try:
        connection.execute("BEGIN")  # one moment for all that is read: another process may be creating the store
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if application == APPLICATION_ID:
            return _known(path, version)
        if not tables:
            return 0
        raise _foreign(path, connection, tables)
    finally:
        connection.close()


def _known(path: Path, version: int) -> int:
    if version > SCHEMA_VERSION:
        raise SchemaVersionError(
            f"{path} has schema {version}; this EventLite reads up to {SCHEMA_VERSION}. It was left untouched",
            hint="Upgrade EventLite: pip install --upgrade eventlite-sourcing",
        )
    return version


def _foreign(path: Path, connection: sqlite3.Connection, tables: set[str]) -> ForeignFileError:
    if _is_javascript(connection, tables):
        return ForeignFileError(
            f"{path} was written by EventLite Sourcing for JavaScript; it was left untouched",
            hint=f"Import it into a new store: eventlite import {path.name} --format eventlite-js --db new.db",
        )
    listed = ", ".join(sorted(tables)[:5])
    return ForeignFileError(
        f"{path} is another program's SQLite database (tables {listed}); it was left untouched",
        hint="Choose another path for the store.",
    )


def _is_javascript(connection: sqlite3.Connection, tables: set[str]) -> bool:
    columns = {
        row[1].replace("_", "").lower()
        for table in tables & {"queue"}
        for row in connection.execute(f'PRAGMA table_info("{table}")')
    }
    return {"cmd", "data", "correlationid", "causationid"} <= columns
