"""From sqlite3's errors to EventLite's."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from eventlite.errors import (
    CorruptionError,
    ForeignFileError,
    StorageError,
    StoreBusyError,
    StoreClosedError,
    StoreFullError,
    StoreReadOnlyError,
    UnknownOutcomeError,
)

_FSYNC = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)


class _Kind(NamedTuple):
    """The error for one of sqlite3's primary result codes; `{path}` and `{error}` are filled in."""

    error: type[StorageError]
    message: str
    hint: str | None = None


_OTHER = _Kind(StorageError, "{path}: {error}")
_CLOSED = _Kind(StoreClosedError, "the store {path} is closed")
_UNCONFIRMED = _Kind(
    UnknownOutcomeError,
    "the disk did not confirm what was written to {path}",
    "Close the store, open it again and run `eventlite verify`; appends with a `key` can be repeated.",
)
_FULL = _Kind(
    StoreFullError,
    "there is no space left for {path}; nothing was written",
    "Free some space and append again; reads go on.",
)
_DAMAGED = _Kind(
    CorruptionError,
    "{path} is damaged: {error}",
    "Restore a backup, or export what is readable to a new store, with EVENTLITE_STORAGE__SALVAGE=true.",
)
_BUSY = _Kind(
    StoreBusyError,
    "another process kept {path} locked for longer than busy_timeout; nothing was written",
    "Try again, or raise `busy_timeout` in the profile's [storage] section.",
)
_KINDS = {
    sqlite3.SQLITE_BUSY: _BUSY,
    sqlite3.SQLITE_LOCKED: _BUSY,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_READONLY: _Kind(
        StoreReadOnlyError, "{path} is read-only", "Check the rights of the file and of its directory."
    ),
    sqlite3.SQLITE_NOTADB: _Kind(ForeignFileError, "{path} is not a database; it was left untouched"),
    sqlite3.SQLITE_CANTOPEN: _Kind(
        StorageError, "{path} cannot be opened", "Check that its directory exists and can be written."
    ),
    sqlite3.SQLITE_INTERRUPT: _Kind(StoreClosedError, "the store {path} was closed during the call"),
}


def translated(error: sqlite3.Error, path: Path) -> StorageError:
    """The typed error for whatever sqlite3 raised on the file at `path`."""
    kind = _kind(error)
    return kind.error(kind.message.format(path=path, error=error), hint=kind.hint)


def is_undecodable(error: sqlite3.Error) -> bool:
    """Whether sqlite3 could not make a str of stored bytes; it gives no code for that."""
    return "Could not decode to UTF-8" in str(error)


def _kind(error: sqlite3.Error) -> _Kind:
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return _CLOSED
    if is_undecodable(error):
        return _DAMAGED._replace(message="{path} is damaged: a text in it is not UTF-8")
    code = getattr(error, "sqlite_errorcode", -1)
    if code in _FSYNC:
        return _UNCONFIRMED
    return _FULL if code in _NO_SPACE else _KINDS.get(code & 0xFF, _OTHER)
