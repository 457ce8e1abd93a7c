"""Which jobs run in this process, so that closing can wait for them."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Roster:
    """The ids of the jobs that run; safe to use from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: set[str] = set()

    def add(self, ids: Iterable[str]) -> None:
        """They run."""
        with self._changed:
            self._running.update(ids)

    def remove(self, ids: Iterable[str]) -> None:
        """They do not run any more."""
        with self._changed:
            self._running.difference_update(ids)
            self._changed.notify_all()

    def wait_for_all_but(self, own: str | None) -> None:
        """Wait until nothing runs, the caller's own job aside."""
        with self._changed:
            self._changed.wait_for(lambda: self._running <= {own})
