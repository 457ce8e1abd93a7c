"""The functions that do the work, by name."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from eventlite import JobError
from eventlite.errors import suggestion

Handler: TypeAlias = Callable[[Any], Any]


#: Attempts of a kept job whose worker is not known: a newer version of the program may bring it.
UNKNOWN_ATTEMPTS = 10


class Worker(NamedTuple):
    """A registered function, how many attempts its jobs have, how many seconds each of them, and where it runs."""

    handler: Handler
    max_attempts: int
    timeout: float | None = None
    process: bool = False
    #: Whether the function is awaited.
    asynchronous: bool = False


class Workers:
    """A registry of workers; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._workers: dict[str, Worker] = {}

    def add(
        self, name: str, handler: Handler, *, retries: int, timeout: float | None = None, process: bool = False
    ) -> None:
        """Register a function; raises `JobError` if the name is taken."""
        with self._lock:
            if name in self._workers:
                raise JobError(
                    f"there is a worker or trigger named {name!r} already", hint="Give each a name of its own."
                )
            self._workers[name] = Worker(handler, retries + 1, timeout, process, inspect.iscoroutinefunction(handler))

    def get(self, name: str) -> Worker | None:
        """The worker of that name, or None."""
        return self._workers.get(name)

    def patience(self, name: str) -> int:
        """How many attempts a kept job of that name has: a number of our own while nobody works on it."""
        worker = self._workers.get(name)
        return UNKNOWN_ATTEMPTS if worker is None else worker.max_attempts

    def names(self) -> list[str]:
        """All names that have a worker."""
        return list(self._workers)

    def unknown(self, name: str) -> JobError:
        """The error of a job that nobody works on."""
        return JobError(f"no worker named {name!r}", hint=suggestion(name, self._workers) or "No worker is registered.")
