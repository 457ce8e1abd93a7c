"""Waking the threads of this process that wait for appends."""

from __future__ import annotations

import threading


class News:
    """Tells whoever waits at that moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # entered itself: an interrupt while a Condition is entered would leave it locked
        self._told = threading.Condition(self._lock)
        self._waiting = 0

    def tell(self) -> None:
        """Wake everybody; who begins to wait at this very moment may miss it, but every wait is bounded."""
        if self._waiting:
            with self._lock:
                self._told.notify_all()

    def wait(self, seconds: float) -> None:
        """Sleep until there are news, for so long at most."""
        with self._lock:
            self._waiting += 1
            try:
                self._told.wait(seconds)
            finally:
                self._waiting -= 1
