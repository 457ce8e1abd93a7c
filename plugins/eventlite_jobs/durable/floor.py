"""What runs, and what was claimed ahead and waits to: where attempts go, and where their reports come from."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue

from eventlite_jobs.durable.attempt import Attempt
from eventlite_jobs.durable.endings import Report
from eventlite_jobs.durable.executors import Executor
from eventlite_jobs.durable.executors.kinds import Executors, is_plain
from eventlite_jobs.durable.settling import Outcome

#: Seconds after which an attempt that waits is not begun any more: others may have time for it.
STALE = 0.1


class Floor:
    """Attempts that run, and those that wait for the first that is over.

    A thread that is done with an attempt goes on with the next one by itself, so that the crew is not asked for each.
    Everything may be called from any thread.
    """

    def __init__(self) -> None:
        self.running: dict[Attempt, Executor] = {}
        #: Whether what waits may be begun.
        self.open = True
        self._waiting: deque[Attempt] = deque()
        self._taking = threading.Lock()
        self._reports: deque[Report] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._executors = Executors(self.report, self.over)

    # --- beginning

    def start(self, attempt: Attempt) -> None:
        """Begin it."""
        executor = self._executors.of(attempt)
        attempt.begin()
        self.running[attempt] = executor
        executor.start(attempt)

    def put(self, attempts: Iterable[Attempt]) -> None:
        """Let them wait."""
        self._waiting.extend(attempts)

    def fill(self, size: int) -> None:
        """Begin what waits, as long as fewer than `size` run."""
        while len(self.running) < size and (attempt := self._taken(lambda _: True)) is not None:
            self.start(attempt)

    def over(self, report: Report) -> Attempt | None:
        """A thread is done with an attempt; the next one for it, if there is one."""
        attempt = None if report.attempt.abandoned else self._taken(is_plain)
        if attempt is not None:
            attempt.begin()
            self.running[attempt] = self._executors.of(attempt)
        self._reports.append(report)
        if attempt is None or not self._waiting:
            self.ring()
        return attempt

    def _taken(self, fits: Callable[[Attempt], bool]) -> Attempt | None:
        if not self._waiting:
            return None
        with self._taking:
            if self.open and self._waiting and fits(self._waiting[0]) and not _is_stale(self._waiting[0]):
                return self._waiting.popleft()
        return None

    # --- reports

    def report(self, report: Report) -> None:
        """An attempt is over."""
        self._reports.append(report)
        self.ring()

    def ring(self) -> None:
        """End the wait of `listen`."""
        self._bell.put(None)

    def listen(self, seconds: float) -> bool:
        """Wait until there is something to look at, for so long at most; whether there is."""
        rung = False
        with suppress(Empty):
            if seconds > 0 and not self._reports:
                self._bell.get(timeout=seconds)
                rung = True
            while True:
                self._bell.get_nowait()
                rung = True
        return rung or bool(self._reports)

    def reports(self) -> list[Report]:
        """Those that came since the last time, without those of attempts that were given up before."""
        found: list[Report] = []
        while self._reports:
            report = self._reports.popleft()
            if self.running.pop(report.attempt, None) is not None or not report.attempt.was_begun:
                found.append(report)
        return found

    # --- ending

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def is_stale(self) -> bool:
        """Whether one has waited for so long that it should be given back."""
        with suppress(IndexError):
            return _is_stale(self._waiting[0])
        return False

    def all(self) -> list[Attempt]:
        """Those that run, and those that wait."""
        with self._taking:
            return [*self.running, *self._waiting]

    def withdraw(self, outcome: Outcome, chosen: Callable[[Attempt], bool] = lambda _: True) -> bool:
        """Report that of those that wait, which will not be begun; whether there was one."""
        with self._taking:
            found = [attempt for attempt in self._waiting if chosen(attempt)]
            for attempt in found:
                self._waiting.remove(attempt)
        self._reports.extend(Report(attempt, outcome) for attempt in found)
        if found:
            self.ring()
        return bool(found)

    def leave_out(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Withdraw one attempt; whether it waited."""
        return self.withdraw(outcome, lambda one: one is attempt)

    def ask_to_stop(self, attempt: Attempt, why: str) -> None:
        """Have the handler of an attempt that runs find out, and its executor."""
        executor = self.running.get(attempt)
        if executor is not None and not attempt.stopping:
            attempt.stopping = why
            executor.interrupt(attempt)

    def drop(self, attempt: Attempt, why: str, outcome: Outcome) -> Report:
        """Its place is free, whatever it still does: what it reports from now on counts for nothing."""
        executor = self.running.pop(attempt)
        attempt.stopping = why
        executor.interrupt(attempt)
        return Report(attempt, outcome)

    def close(self) -> None:
        """End what runs attempts."""
        self._executors.close()


def _is_stale(attempt: Attempt) -> bool:
    return time.monotonic() - attempt.claimed > STALE
