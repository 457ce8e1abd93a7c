"""Which jobs run in this process, so that closing can wait for them."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Roster:
    """The ids of the jobs that run, each with the thread that looks after it; safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[str, int] = {}

    def add(self, ids: Iterable[str]) -> None:
        """They run, and the calling thread looks after them."""
        with self._changed:
            self._running.update(dict.fromkeys(ids, threading.get_ident()))

    def remove(self, ids: Iterable[str]) -> None:
        """They do not run any more."""
        with self._changed:
            for id in ids:
                self._running.pop(id, None)
            self._changed.notify_all()

    def wait_for_all_but(self, own: str | None) -> None:
        """Wait until nothing runs, the caller's own job aside.

        What the calling thread looks after cannot end while it waits here: an interruption left that behind.
        """
        caller = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: all(id == own or thread == caller for id, thread in self._running.items()))
