"""How the database of jobs is reached: by a DSN of its own, or as the host's storage reaches its own."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from eventlite import JobError
from eventlite.contracts import Host
from eventlite_jobs.procrastinate.settings import Settings


def shares_database(host: Host, settings: Settings) -> bool:
    """Whether jobs are in the database of the store, so that its transactions can hold both."""
    return settings.dsn is None and host.storage.capabilities.sql == "postgresql"


def conninfo(host: Host, settings: Settings) -> str:
    """How to connect. Raises `JobError` for a DSN that cannot be read."""
    known = _of_storage(host) if settings.dsn is None else _read(settings.dsn)
    path = search_path(settings)
    if path is not None:
        option = "-c search_path=" + re.sub(r"([\\\s])", r"\\\1", path)
        known["options"] = f"{known.get('options', '')} {option}".strip()
    return make_conninfo(**({"application_name": "eventlite", "connect_timeout": "10"} | known))


def search_path(settings: Settings) -> str | None:
    """The path on which procrastinate's names are found, if one is set."""
    return None if settings.schema_name is None else '"' + settings.schema_name.replace('"', '""') + '"'


def _of_storage(host: Host) -> dict[str, Any]:
    with host.storage.snapshot() as snapshot:
        info: psycopg.ConnectionInfo = snapshot.connection.info
        return {**info.get_parameters(), **({"password": info.password} if info.password else {})}


def _read(dsn: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.ProgrammingError:  # its own message may show a password
        raise JobError(
            "the setting `dsn` of [jobs] cannot be read",
            hint="Write postgresql://user@host/database, or host=... dbname=... user=...",
        ) from None
