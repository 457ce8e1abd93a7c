"""Waking the threads of this process that wait for appends."""

from __future__ import annotations

import threading


class News:
    """Tells whoever waits at that moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # entered itself: an interrupt while a Condition is entered would leave it locked
        self._told = threading.Condition(self._lock)

    def tell(self) -> None:
        """Wake everybody."""
        with self._lock:
            self._told.notify_all()

    def wait(self, seconds: float) -> None:
        """Sleep until there are news, for so long at most."""
        with self._lock:
            self._told.wait(seconds)
