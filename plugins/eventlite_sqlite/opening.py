"""What happens before a store is opened: place, identity, schema."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from eventlite.errors import StorageError, StoreFullError, StoreReadOnlyError
from eventlite_sqlite import forking, identity, schema
from eventlite_sqlite.failures import translated
from eventlite_sqlite.settings import Settings


def prepare(settings: Settings) -> str:
    """Make sure that there is a store of the present schema; returns the mode to open it with.

    "rw"; "ro" for a file that may only be read; "immutable" when SQLite could not even keep its log beside it;
    "salvage" as the settings say.
    """
    path = settings.path
    exists = identity.check_place(path, settings.create and not settings.salvage)
    if exists:
        forking.check_not_inherited(path)
    try:
        mode = "salvage" if settings.salvage else _mode(path) if exists else "rw"
        if not exists:
            schema.create_file(path)
        version = identity.schema_version(path, _looking(path, mode), settings.busy_timeout)
        if version < identity.SCHEMA_VERSION and mode == "rw":
            schema.migrate(path, settings)
    except sqlite3.Error as error:
        raise translated(error, path) from error
    except OSError as error:
        raise translated_os(error, path) from error
    return mode


def translated_os(error: OSError, path: Path) -> StorageError:
    """The typed error for a file that cannot be made."""
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StoreReadOnlyError(f"{path} cannot be created: {error.strerror}", hint="Check the directory's rights.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(f"there is no space left for {path}", hint="Free some space.")
    return StorageError(f"{path} cannot be created: {error.strerror}")


def _looking(path: Path, mode: str) -> str:
    """The mode to look at a file that may not be ours, so that it is as before when it is closed.

    A reader leaves the log that it makes; a writer removes it, and writes nothing unless there was one.
    """
    return "ro" if mode == "rw" and _log(path).exists() else mode


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _mode(path: Path) -> str:
    if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK):
        return "rw"
    return "ro" if _log(path).exists() or os.access(path.parent, os.W_OK) else "immutable"
