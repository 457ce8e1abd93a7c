"""Running jobs in this process: one crew for each call of `run_until_idle` and `work`, all stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from eventlite.contracts import Announcing
from eventlite_jobs.current import current_job
from eventlite_jobs.durable.crew import Crew
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.feed import Feed
from eventlite_jobs.durable.history import Pruner
from eventlite_jobs.durable.rows import Claim
from eventlite_jobs.refusals import closed


class Crews:
    """Those at work."""

    def __init__(self, desk: Callable[[], Desk]) -> None:
        self._desk = desk
        self._pruner: Pruner | None = None
        self._crews: set[Crew] = set()
        self._lock = threading.Lock()
        self._state = "open"

    def until_idle(self, follow: Callable[[], int]) -> int:
        """Call `follow` and run what is due, until there is neither; how many attempts ran."""
        self._check_open()
        attempts = 0
        while True:
            made = follow()
            with self._crew(self._desk().settings.workers, None) as crew:
                ran = crew.until_idle()
            attempts += ran
            if (not made and not ran) or self._state != "open":
                return attempts

    def until(
        self,
        stop: threading.Event,
        feed: Feed,
        queues: Sequence[str] | None,
        size: int,
        grace: float | None,
    ) -> int:
        """Follow the feed and run what is due until `stop` is set; how many attempts ran."""
        self._check_open()
        with self._crew(size, queues) as crew, self._hints(crew.wake) as hints:
            return crew.until(stop, feed, self._desk().settings.longest_pause(hints), grace)

    @contextmanager
    def _hints(self, told: Callable[[], None]) -> Iterator[bool]:
        """Whether the storage calls `told` for what other processes do."""
        storage = self._desk().host.storage
        end = storage.heed(told) if isinstance(storage, Announcing) else None
        try:
            yield end is not None
        finally:
            if end is not None:
                end()

    def wake(self) -> None:
        """There may be something to do."""
        for crew in tuple(self._crews):
            crew.wake()

    def make_way(self, rank: int) -> None:
        """A job of that rank is due: it goes before those behind it that were claimed ahead."""
        for crew in tuple(self._crews):
            crew.give_back(lambda claim: claim.rank > rank)

    def give_back(self, chosen: Callable[[Claim], bool]) -> None:
        """Put jobs back that were claimed ahead."""
        for crew in tuple(self._crews):
            crew.give_back(chosen)

    def cancel(self, id: str) -> None:
        """Ask the handler of a running job to stop."""
        for crew in tuple(self._crews):
            crew.cancel(id)

    def drain(self) -> None:
        """Begin no more jobs."""
        for crew in tuple(self._crews):
            crew.drain()

    def stop_now(self) -> None:
        """Put running jobs back."""
        for crew in tuple(self._crews):
            crew.stop_now()

    def close(self) -> None:
        """Drain, and wait for what runs; jobs can be put in until then."""
        with self._lock:
            if self._state != "open":
                return
            self._state = "closing"
        self.drain()
        if self._pruner is not None:  # else nothing has ever run, and the store is left alone
            self._desk().roster.wait_for_all_but(current_job.get())
        self._state = "closed"

    def check_not_closed(self) -> None:
        """Raise `JobError` if it is."""
        if self._state == "closed":
            raise closed()

    def _check_open(self) -> None:
        if self._state != "open":
            raise closed()

    @contextmanager
    def _crew(self, size: int, queues: Sequence[str] | None) -> Iterator[Crew]:
        if self._pruner is None:
            self._pruner = Pruner(self._desk())
        crew = Crew(self._desk(), self._pruner, size, queues)
        with self._lock:
            if self._state != "open":
                crew.drain()
            self._crews.add(crew)
        try:
            yield crew
        finally:
            with self._lock:
                self._crews.discard(crew)
