"""From psycopg's errors to EventLite's."""

from __future__ import annotations

from typing import NamedTuple

import psycopg
from psycopg_pool import PoolClosed, PoolTimeout

from eventlite.errors import (
    CorruptionError,
    StorageError,
    StoreBusyError,
    StoreClosedError,
    StoreFullError,
    StoreNotFoundError,
    StoreReadOnlyError,
)


class _Kind(NamedTuple):
    """The error for an SQLSTATE or the class that is its first two signs; `{error}` is filled in."""

    error: type[StorageError]
    message: str
    hint: str | None = None


_OTHER = _Kind(StorageError, "PostgreSQL: {error}")
_LOST = _Kind(
    StorageError,
    "the PostgreSQL server cannot be reached: {error}",
    "Check that it runs, and the setting `dsn` (EVENTLITE_STORAGE__DSN).",
)
_BUSY = _Kind(
    StoreBusyError,
    "another process kept the store locked for longer than busy_timeout; nothing was written",
    "Try again, or raise `busy_timeout` in the profile's [storage] section.",
)
_UNSERIALISABLE = _Kind(
    StoreBusyError, "PostgreSQL undid the transaction because of another one; nothing was written", "Try again."
)
_CROWDED = _Kind(
    StoreBusyError,
    "the PostgreSQL server has no free connection",
    "Lower `pool_size`, raise the server's max_connections, or put pgbouncer in between.",
)
_FULL = _Kind(
    StoreFullError, "the PostgreSQL server has no space left; nothing was written", "Free some space; reads go on."
)
_READ_ONLY = _Kind(
    StoreReadOnlyError,
    "the PostgreSQL server takes no writes: {error}",
    "Name all hosts in `dsn`, with target_session_attrs=read-write, to reach the primary.",
)
_NO_RIGHTS = _Kind(
    StorageError,
    "PostgreSQL does not allow it: {error}",
    "docs/when-one-machine-is-not-enough.md lists the privileges that the store needs.",
)
_DAMAGED = _Kind(CorruptionError, "the store is damaged: {error}", "Restore a backup, or fail over to a standby.")
_REFUSED = _Kind(
    StorageError,
    "PostgreSQL does not let us in: {error}",
    "Check user, password and database in the setting `dsn` (EVENTLITE_STORAGE__DSN).",
)

_KINDS = {
    "08": _LOST,
    "28": _REFUSED,
    "40": _UNSERIALISABLE,
    "57P": _LOST,
    "25006": _READ_ONLY,
    "3D000": _Kind(StoreNotFoundError, "there is no such database: {error}", "Create it: createdb NAME"),
    "3F000": _Kind(StoreNotFoundError, "the store is gone: {error}"),
    "42501": _NO_RIGHTS,
    "42P01": _Kind(StoreNotFoundError, "the store is gone: {error}"),
    "53100": _FULL,
    "53300": _CROWDED,
    "55P03": _BUSY,
    "57014": _Kind(StoreBusyError, "PostgreSQL cancelled the statement: {error}", "Try again."),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}

#: What libpq puts before the words of a server that refuses a connection.
_FATAL = "FATAL:"

#: SQLSTATEs of a server that may be back in a moment.
_PASSING = ("08", "57P", "53300")

#: That of a server which takes no writes: a standby, or a primary of yesterday.
READ_ONLY = "25006"


def translated(error: psycopg.Error) -> StorageError:
    """The typed error for whatever psycopg raised."""
    if isinstance(error, PoolClosed):
        return StoreClosedError("the store is closed")
    if isinstance(error, PoolTimeout):
        return StoreBusyError("no connection came free", hint="Raise `pool_size`, or check that the server runs.")
    kind = _kind_of_lost(error) if is_lost(error) else _kind(error.sqlstate or "")
    return kind.error(kind.message.format(error=_line(error)), hint=kind.hint)


def is_lost(error: psycopg.Error) -> bool:
    """Whether the connection is gone, or there was none."""
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None


def is_passing(error: psycopg.Error) -> bool:
    """Whether a new connection may work where this one failed."""
    return is_lost(error) or (error.sqlstate or "").startswith(_PASSING)


def is_undone(error: psycopg.Error) -> bool:
    """Whether the server undid the transaction for the sake of another one: it may be tried again."""
    return (error.sqlstate or "").startswith("40")


def _kind_of_lost(error: psycopg.Error) -> _Kind:
    """Of a connection that was refused libpq tells the words of the server, and no SQLSTATE."""
    return _REFUSED if _FATAL in str(error) else _LOST


def _kind(state: str) -> _Kind:
    return _KINDS.get(state) or _KINDS.get(state[:3]) or _KINDS.get(state[:2]) or _OTHER


def _line(error: psycopg.Error) -> str:
    """What the server said, in one line; of several hosts what each of them did."""
    if error.diag.message_primary:
        return error.diag.message_primary
    first, *others = str(error).splitlines() or [type(error).__name__]
    hosts = [line.rpartition("connection to server ")[2] for line in others if line.startswith("- host: ")]
    return "; ".join(hosts) or first.rpartition(_FATAL)[2].strip()
