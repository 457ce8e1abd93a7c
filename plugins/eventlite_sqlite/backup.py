"""A consistent copy of a store that is in use, through SQLite's own backup."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from eventlite.errors import StorageError
from eventlite_sqlite.connection import connect
from eventlite_sqlite.failures import translated
from eventlite_sqlite.opening import translated_os
from eventlite_sqlite.schema import create_file


def write_copy(source: sqlite3.Connection, target: Path) -> None:
    """Copy to a path that does not exist; the copy appears under its name when it is complete and on the disk."""
    if not target.parent.is_dir():
        raise StorageError(f"the directory {target.parent} does not exist")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        _check_free(target)
        _copy(source, partial)
        _name(partial, target)
        _sync(target.parent)
    except FileExistsError:
        raise StorageError(f"{target} exists already", hint="Choose another name for the copy.") from None
    except sqlite3.Error as error:
        raise translated(error, partial) from error
    except OSError as error:
        raise translated_os(error, target) from error
    finally:
        for leftover in (partial, partial.with_name(partial.name + "-journal")):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _check_free(target: Path) -> None:
    if target.exists():
        raise FileExistsError


def _copy(source: sqlite3.Connection, partial: Path) -> None:
    create_file(partial)
    copy = connect(partial, "rw", 30.0)
    try:
        copy.execute("PRAGMA synchronous = FULL")
        source.backup(copy)
    finally:
        copy.close()
    _sync(partial)


def _name(partial: Path, target: Path) -> None:
    """Give the copy its name; unlike a mere rename, never replaces a file that came meanwhile: `FileExistsError`."""
    try:
        os.link(partial, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: take the name first, then replace what is our own
        target.touch(0o600, exist_ok=False)
        try:
            partial.replace(target)
        except OSError:
            target.unlink()
            raise


def _sync(path: Path) -> None:
    """Have a file's content, or a directory's names, on the disk."""
    if os.name == "nt":  # which can sync neither directories nor what is open for reading
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
