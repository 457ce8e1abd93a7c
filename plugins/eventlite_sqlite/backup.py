"""A consistent copy of a store that is in use, through SQLite's own backup."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from eventlite.errors import StorageError
from eventlite_sqlite.connection import connect
from eventlite_sqlite.failures import translated
from eventlite_sqlite.schema import create_file


def write_copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy to a path that does not exist; the copy appears under its name when it is complete and on the disk."""
    if target.exists():
        raise StorageError(f"{target} exists already", hint="Choose another name for the copy.")
    if not target.parent.is_dir():
        raise StorageError(f"the directory {target.parent} does not exist")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        _copy(source, partial)
        os.link(partial, target)  # unlike a rename, never replaces a file that came meanwhile
    except FileExistsError:
        raise StorageError(f"{target} exists already", hint="Choose another name for the copy.") from None
    except sqlite3.Error as error:
        raise translated(error, partial) from error
    finally:
        for leftover in (partial, partial.with_name(partial.name + "-journal")):
            with contextlib.suppress(FileNotFoundError):
                leftover.unlink()


def _copy(source: sqlite3.Connection, partial: Path) -> None:
    create_file(partial)
    copy = connect(partial, "rw", 30.0)
    try:
        copy.execute("PRAGMA synchronous = FULL")
        source.backup(copy)
    finally:
        copy.close()
