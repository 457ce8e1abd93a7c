"""What people want to know about the file: summary, sizes, soundness."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from eventlite.contracts import Statistics
from eventlite_sqlite.schema import sql
from eventlite_sqlite.settings import Settings


def statistics(connection: sqlite3.Connection) -> Statistics:
    """A summary of all events."""
    events, head, correlations, roots, children, first, last = connection.execute(sql("statistics.sql")).fetchone()
    return Statistics(
        events,
        head,
        correlations,
        roots,
        children,
        first,
        last,
        by_cmd=_tally(connection, "cmd"),
        by_user=_tally(connection, "user"),
        by_version=_tally(connection, "version"),
    )


def _tally(connection: sqlite3.Connection, column: str) -> dict[Any, int]:
    return dict(connection.execute(f"SELECT {column}, count(*) FROM event GROUP BY {column} ORDER BY 2 DESC, 1"))


def facts(connection: sqlite3.Connection, path: Path, settings: Settings) -> Mapping[str, Any]:
    """Path, sizes in bytes, versions, settings."""
    return {
        "path": str(path.absolute()),
        "file_bytes": _size(path),
        "log_bytes": _size(path.with_name(path.name + "-wal")),
        "index_bytes": _index_sizes(connection),
        "page_size": _pragma(connection, "page_size"),
        "journal_mode": _pragma(connection, "journal_mode"),
        "synchronous": settings.synchronous,
        "schema_version": _pragma(connection, "user_version"),
        "sqlite_version": sqlite3.sqlite_version,
    }


def check(connection: sqlite3.Connection) -> Iterator[str]:
    """What is wrong with the file, a sentence each."""
    for (message,) in connection.execute("PRAGMA integrity_check(100)"):
        if message != "ok":
            yield f"SQLite: {message}"
    for event_id, tag in connection.execute(sql("untagged.sql")):
        yield f"event {event_id} and the tag table disagree about tag {tag!r}"


def _pragma(connection: sqlite3.Connection, name: str) -> Any:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _index_sizes(connection: sqlite3.Connection) -> dict[str, int]:
    """Bytes per index; empty where SQLite was built without dbstat."""
    names = "SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'event%' OR name = 'event_tag'"
    try:
        return dict(
            connection.execute(f"SELECT name, sum(pgsize) FROM dbstat WHERE name IN ({names}) GROUP BY name ORDER BY 1")
        )
    except sqlite3.OperationalError:
        return {}
