"""The one place that opens a connection."""

from __future__ import annotations

import select
import time
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventlite.errors import StorageError
from eventlite_postgres.failures import is_passing, translated
from eventlite_postgres.settings import Settings

#: Executions after which psycopg prepares a statement.
_PREPARE_AFTER = 3

#: Seconds between two tries.
_PAUSE = 0.05


def conninfo(settings: Settings) -> str:
    """The setting `dsn` with what it leaves open: of several hosts it is the one that takes writes."""
    try:
        given: dict[str, Any] = conninfo_to_dict(settings.dsn)
    except psycopg.ProgrammingError:
        given = {}
    if not given and settings.dsn.strip():  # psycopg's own message may show a password
        raise StorageError(
            "the setting `dsn` cannot be read",
            hint="Write postgresql://user@host/database, or host=... dbname=... user=...",
        ) from None
    usual = {"application_name": "eventlite", "connect_timeout": "10"}
    if "," in str(given.get("host", given.get("hostaddr", ""))):
        usual["target_session_attrs"] = "read-write"
    return make_conninfo(**(usual | given))


def has_several_hosts(settings: Settings) -> bool:
    """Whether another server may take over."""
    known = conninfo_to_dict(conninfo(settings))
    return "," in str(known.get("host", known.get("hostaddr", "")))


def arguments(settings: Settings) -> dict[str, Any]:
    """How connections are opened: every transaction is begun by name."""
    return {"autocommit": True, "prepare_threshold": _PREPARE_AFTER if settings.prepare else None}


def connect(settings: Settings) -> psycopg.Connection:
    """A connection. Raises a `StorageError`."""
    try:
        return psycopg.connect(conninfo(settings), **arguments(settings))
    except psycopg.Error as error:
        told = translated(error)
        if settings.dsn:
            raise told from error
        raise StorageError(
            f"{told.message} (the setting `dsn` is empty)",
            hint="Set EVENTLITE_STORAGE__DSN=postgresql://user@host/database, or `dsn` in a profile of your own.",
        ) from error


def reconnect(settings: Settings) -> psycopg.Connection:
    """A connection in place of one that was lost: tried again while the server starts or another takes over."""
    deadline = time.monotonic() + settings.reconnect_timeout
    while True:
        try:
            return psycopg.connect(conninfo(settings), **arguments(settings))
        except psycopg.Error as error:
            if not is_passing(error) or time.monotonic() > deadline:
                raise translated(error) from error
            time.sleep(_PAUSE)


def is_stale(connection: psycopg.Connection[Any]) -> bool:
    """Whether an idle connection is gone, as far as one can know without asking: it has something to say."""
    if connection.closed:
        return True
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def refuse_stale(connection: psycopg.Connection[Any]) -> None:
    """Close a connection that is gone, and raise psycopg's error: a pool takes another one then."""
    if is_stale(connection):
        connection.close()
        raise psycopg.OperationalError("the connection was closed by the server")
