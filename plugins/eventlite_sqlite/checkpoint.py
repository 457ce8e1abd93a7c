"""Copying the log back into the file, so that it can begin anew; docs/decisions/0002-checkpoints.md says why so."""

from __future__ import annotations

import time
from pathlib import Path

from eventlite_sqlite.connection import checkpointer

#: Seconds to wait for readers that still need the log.
_LONGEST_WAIT = 0.1
_LONGEST_PAUSE = 0.064
_SHORTEST_PAUSE = 0.001


class Checkpointer:
    """A connection that does nothing but checkpoint, while the caller's connection keeps every writer out.

    SQLite before 3.51.3 can lose a commit when another connection begins the log anew during a checkpoint (the
    WAL-reset bug), and its FULL and RESTART work without the write lock when they do not get it in time.
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._connection = checkpointer(path, busy_timeout)
        self._wait = _LONGEST_WAIT
        self._pause = 0.0
        self._length = 0

    def run(self) -> None:
        """Copy the log. The caller is inside BEGIN IMMEDIATE, ends it next, and then the next writer begins anew.

        Readers hold it back for a moment at most. Raises `sqlite3.OperationalError`; the log keeps everything then.
        """
        length, complete = self._copy()
        self._adapt(length, complete)
        if complete and self._pause >= _SHORTEST_PAUSE:
            time.sleep(self._pause)  # for readers that began earlier: those that come now do not read the log

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _copy(self) -> tuple[int, bool]:
        """The pages in the log, and whether all of them were copied."""
        deadline = time.monotonic() + self._wait
        while True:
            _, length, copied = self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if length == copied or time.monotonic() >= deadline:
                return length, length == copied >= 0
            time.sleep(0.001)

    def _adapt(self, length: int, complete: bool) -> None:
        """Be patient where that helps: not with a reader that stays, longer if nobody could begin the log anew."""
        self._wait = _LONGEST_WAIT if complete else self._wait / 2
        stuck = length > 1.1 * self._length > 0  # a log begun anew is about as long as the last one
        self._pause = min(max(2 * self._pause, _SHORTEST_PAUSE), _LONGEST_PAUSE) if stuck else self._pause / 2
        self._length = length
