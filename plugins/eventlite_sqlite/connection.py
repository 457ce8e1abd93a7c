"""The one place that opens a SQLite connection, and how each kind is set up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from eventlite_sqlite import forking
from eventlite_sqlite.settings import Settings

#: A log that had to grow beyond this shrinks again when it begins anew.
_LOG_BYTES = 64 * 2**20

#: KiB in which an index is sorted: what processors cache, which is quicker than 16 MiB and keeps memory flat.
_SORT_KIB = 2048

_MODES = {"rw": "mode=rw", "ro": "mode=ro", "immutable": "mode=ro&immutable=1", "salvage": "mode=ro"}


class Connection(sqlite3.Connection):
    """One that weak references can point to, and that is nobody's business any more once it is closed."""

    def close(self) -> None:
        forking.forget_connection(self)
        super().close()


def connect(path: Path, mode: str, busy_timeout: float) -> sqlite3.Connection:
    """A connection with explicit transactions.

    `mode` is "rw", "ro", "immutable" for a file nobody can change, or "salvage" for one that lacks pages.
    """
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?{_MODES[mode]}",
        uri=True,
        timeout=busy_timeout,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=256,
        factory=Connection,
    )
    if mode == "salvage":  # else SQLite refuses the file as a whole
        connection.execute("PRAGMA writable_schema = ON")
    forking.watch_connection(connection, path)
    return connection


def writer(path: Path, settings: Settings) -> sqlite3.Connection:
    """The connection that writes. It never checkpoints: see `checkpointer`."""
    connection = connect(path, "rw", settings.busy_timeout)
    connection.execute(f"PRAGMA cache_size = -{settings.cache_size // 1024}")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    set_synchronous(connection, settings.synchronous)
    return connection


def checkpointer(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """The connection that copies the log into the file, and nothing else."""
    connection = connect(path, "rw", busy_timeout)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


def reader(path: Path, mode: str, settings: Settings) -> sqlite3.Connection:
    """A connection that can only read."""
    connection = connect(path, mode, settings.busy_timeout)
    connection.execute(f"PRAGMA cache_size = -{settings.reader_cache_size // 1024}")
    connection.execute("PRAGMA query_only = ON")
    return connection


def set_synchronous(connection: sqlite3.Connection, level: str) -> None:
    """How far a commit waits for the disk: "normal" or "full"."""
    connection.execute(f"PRAGMA synchronous = {'FULL' if level == 'full' else 'NORMAL'}")


@contextmanager
def sorting(connection: sqlite3.Connection) -> Iterator[None]:
    """Around the building of indexes: SQLite sorts in as much memory as its page cache may take."""
    before: int = connection.execute("PRAGMA cache_size").fetchone()[0]  # negative: in KiB
    connection.execute(f"PRAGMA cache_size = {max(before, -_SORT_KIB)}")
    try:
        yield
    finally:
        connection.execute(f"PRAGMA cache_size = {before}")
