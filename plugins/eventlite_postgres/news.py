"""Waking the threads that wait for appends: those of this process directly, of others through LISTEN."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

import psycopg

from eventlite.errors import StorageError
from eventlite_postgres.connecting import connect
from eventlite_postgres.settings import Settings

#: Seconds for which one look for announcements lasts, and between two connections when one is lost.
_LOOK = 0.5


class News:
    """Counts what there was to tell, so that nobody misses what came just before the wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told = threading.Condition(self._lock)
        self._heeding: list[Callable[[], None]] = []
        self.count = 0

    def tell(self) -> None:
        """Wake everybody who waits."""
        with self._lock:
            self.count += 1
            self._told.notify_all()
            heeding = tuple(self._heeding)
        for told in heeding:
            told()

    def heed(self, told: Callable[[], None]) -> Callable[[], None]:
        """Call it whenever there is something to tell, until the function that is returned is called."""
        with self._lock:
            self._heeding.append(told)

        def end() -> None:
            with self._lock:
                self._heeding.remove(told)

        return end

    def wait(self, seen: int, seconds: float) -> None:
        """Sleep until there is more than `seen`, for so long at most."""
        with self._lock:
            if self.count == seen:
                self._told.wait(seconds)


class Listener:
    """Passes the announcements of other processes on. A hint: whoever waits looks at the head all the same."""

    def __init__(self, settings: Settings, channel: str, news: News) -> None:
        self._settings = settings
        self._channel = channel
        self._news = news
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eventlite-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop, within a second."""
        self._closed.set()
        self._thread.join(2 * _LOOK)

    def _run(self) -> None:
        while not self._closed.is_set():
            with suppress(StorageError, psycopg.Error):
                self._listen()
            self._closed.wait(_LOOK)

    def _listen(self) -> None:
        with connect(self._settings) as connection:
            connection.execute(f'LISTEN "{self._channel}"')
            while not self._closed.is_set():
                for _ in connection.notifies(timeout=_LOOK, stop_after=1):
                    self._news.tell()
