"""Where attempts run: each kind of executor in a file of its own."""

from __future__ import annotations

from typing import Protocol

from eventlite_jobs.durable.attempt import Attempt


class Executor(Protocol):
    """Runs attempts side by side, and hands a `Report` for each to the callable that it was made with."""

    def start(self, attempt: Attempt) -> None:
        """Begin; returns at once."""

    def interrupt(self, attempt: Attempt) -> None:
        """`attempt.stopping` says that it should stop: make it, as far as that is possible.

        After "timeout" and "released" nobody waits for its report any more.
        """

    def close(self) -> None:
        """Begin nothing more; what still runs is abandoned."""
