"""When whoever follows events stops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

#: Seconds between two looks for a wish to stop.
SLICE = 0.05


class Signal(Protocol):
    """What says that it is time to stop: a `threading.Event`, an `asyncio.Event`, or alike."""

    def is_set(self) -> bool:
        """Whether it is time."""


class Ending:
    """Of one run: it was closed, its caller's `stop` is set, or nothing came for `idle_after` seconds."""

    def __init__(self, closed: threading.Event, stop: Signal | None = None, idle_after: float | None = None) -> None:
        self._closed = closed
        self._stop = stop
        self._idle_after = idle_after
        self._last = monotonic()

    def reached(self) -> bool:
        """Whether somebody wishes it."""
        return self._closed.is_set() or (self._stop is not None and self._stop.is_set())

    def came(self) -> None:
        """Something came: the time of idleness begins anew."""
        self._last = monotonic()

    def idle(self) -> bool:
        """Whether nothing came for long enough."""
        return self._idle_after is not None and monotonic() - self._last >= self._idle_after

    def patience(self, longest: float) -> float:
        """Seconds to wait for something: `longest` at most, and no longer than until idleness ends it."""
        if self._idle_after is None:
            return longest
        return max(0.0, min(longest, self._last + self._idle_after - monotonic()))

    def sleep(self, seconds: float, worth_it: Callable[[], bool] = lambda: True) -> None:
        """Sleep for so long, or until the end is reached or it is not worth it any more."""
        until = monotonic() + seconds
        while (left := until - monotonic()) > 0 and not self.reached() and worth_it():
            self._closed.wait(min(left, SLICE))
