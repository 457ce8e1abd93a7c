"""procrastinate's tables, and the two beside them: created by whoever comes first."""

from __future__ import annotations

from typing import Any

import psycopg
from procrastinate.schema import SchemaManager

from eventlite import JobError
from eventlite_jobs.procrastinate.connecting import search_path
from eventlite_jobs.procrastinate.settings import Settings

#: The longest name that procrastinate's tables take.
MAX_NAME = 128

#: The advisory lock under which tables are created: "EvLj" in ASCII.
_LOCK = 0x45764C6A

#: What procrastinate does not keep: what an attempt returned or raised, and whether its own transaction has ended it;
#: and up to which event each trigger is served.
_OURS = """
CREATE TABLE IF NOT EXISTS eventlite_job_outcomes (
    job_id bigint PRIMARY KEY REFERENCES procrastinate_jobs (id) ON DELETE CASCADE,
    error text,
    result text,
    done boolean NOT NULL DEFAULT false
);
CREATE TABLE IF NOT EXISTS eventlite_job_triggers (name text PRIMARY KEY, position bigint NOT NULL);
"""


def ensure(connection: psycopg.Connection[Any], settings: Settings) -> None:
    """Create what is not there, on a connection that is not used for anything else. Raises `JobError` if it may not."""
    if all(_found(connection)):
        return
    if not settings.create:
        raise JobError(
            "there are no tables of procrastinate, or not those that EventLite keeps beside them",
            hint="Set `create = true` in [jobs], or check `dsn` and `schema`.",
        )
    # Outside the transaction, which would look at what it knew of the tables when it began to wait; the connection is
    # closed after this, and the lock with it.
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    with connection.transaction():
        if (path := search_path(settings)) is not None:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {path}".encode())
        theirs, _ = _found(connection)
        if not theirs:
            connection.execute(SchemaManager.get_schema().encode())
        connection.execute(_OURS.encode())


def _found(connection: psycopg.Connection[Any]) -> tuple[bool, bool]:
    """Whether procrastinate's tables are there, and whether ours are."""
    names = "to_regclass('procrastinate_jobs'), to_regclass('eventlite_job_outcomes')"
    row = connection.execute(f"SELECT {names}".encode()).fetchone()
    assert row is not None
    return row[0] is not None, row[1] is not None
