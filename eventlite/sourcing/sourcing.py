"""What a kernel's own followers are, and how they are run."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

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

        Does not wait for what is due later or held by other processes.
        """
        done = 0
        with self._running:
            while some := self._once():
                done += some
        return done

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set, woken by appends of any process."""
        while not stop.is_set():
            head = self.host.storage.head()
            if not self.run_until_idle():
                self.host.storage.wait(head, PAUSE)

    def _once(self) -> int:
        return sum(follower.catch_up() for follower in list(self._followers)) + self._jobs.run_until_idle()
