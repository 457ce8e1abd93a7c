"""What a kernel's own followers are, and how they are run."""

from __future__ import annotations

import threading
from functools import cached_property
from threading import get_ident
from typing import TYPE_CHECKING, Protocol

from eventlite.errors import EventLiteError

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.jobs import JobDispatcher
    from eventlite.sourcing.projections.registry import Projections

#: Seconds between two looks for what falls due without an event: timeouts, retries, others' jobs.
PAUSE = 0.1


class Follower(Protocol):
    """Something that follows the events when it is asked to: a projection, the waits."""

    def catch_up(self) -> int:
        """Handle what is there to be handled now; how much it was, 0 when there is nothing more for this process."""


class Sourcing:
    """The followers of one kernel. Nothing runs unasked."""

    def __init__(self, host: Host, jobs: JobDispatcher) -> None:
        self.host = host
        self._jobs = jobs
        self._followers: list[Follower] = []
        self._running = threading.Lock()
        self._runner = 0  # the thread that has it
        self._closed = threading.Event()

    @cached_property
    def projections(self) -> Projections:
        """The projections of this kernel."""
        from eventlite.sourcing.projections.registry import Projections

        return Projections(self.host, self)

    def add(self, follower: Follower) -> None:
        """Run it from now on, after those that were added before it."""
        self._followers.append(follower)

    def run_until_idle(self) -> int:
        """Run followers, triggers and due jobs until none has anything to do; how much was done.

        Does not wait for what is due later or held by other processes. Raises `EventLiteError` when what it runs calls
        it, which would wait for itself.
        """
        if self._runner == get_ident():
            raise EventLiteError(
                "this thread is running followers and jobs already",
                hint="What a reaction appends is looked at when the reaction is done.",
            )
        done = 0
        with self._running:
            self._runner = get_ident()
            try:
                while not self._closed.is_set() and (some := self._once()):
                    done += some
            finally:
                self._runner = 0
        return done

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set or the kernel is closed, woken by appends of any process."""
        try:
            while not (stop.is_set() or self._closed.is_set()):
                head = self.host.storage.head()
                if not self.run_until_idle():
                    self.host.storage.wait(head, PAUSE)
        except EventLiteError:
            if not self._closed.is_set():
                raise

    def close(self) -> None:
        """Let whoever runs come to an end; what is under way meets a closed store."""
        self._closed.set()

    def _once(self) -> int:
        return sum(follower.catch_up() for follower in list(self._followers)) + self._jobs.run_until_idle()
