"""Waiting for what runs, and what is over until it is stored."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from eventlite_jobs.durable.endings import Report
from eventlite_jobs.durable.floor import Floor
from eventlite_jobs.durable.pace import COMPANY, Pace

#: Seconds between two looks whether to stop.
_GLANCE = 0.05


class Gathering:
    """Takes reports from the floor, where what waits begins then, `size` at once; used by the thread of a crew.

    `interrupted` is called when a handler has raised what means to end the process.
    """

    def __init__(self, floor: Floor, pace: Pace, size: int, interrupted: Callable[[], None]) -> None:
        self._floor = floor
        self._pace = pace
        self._size = size
        self._interrupted = interrupted
        #: What is over and not stored yet.
        self.finished: list[Report] = []
        #: What a handler has raised to end the process.
        self.interrupt: BaseException | None = None

    def gather(self, seconds: float) -> None:
        """Wait for a report, for so long at most, and take all that are there."""
        self._floor.listen(self._bounded(seconds))
        self._collect()

    def gather_until(self, stop: threading.Event, seconds: float) -> None:
        """The same, but notices `stop`, which wakes nobody."""
        seconds = self._bounded(seconds)
        while not stop.is_set() and not self._floor.listen(min(seconds, _GLANCE)) and seconds > _GLANCE:
            seconds -= _GLANCE
        self._collect()

    def _bounded(self, seconds: float) -> float:
        """What is finished does not wait, and threads that go on by themselves do not tell of each job."""
        if self.finished:
            return 0.0
        return min(seconds, COMPANY) if self._floor.waiting else seconds

    def _collect(self) -> None:
        self._receive()
        if self.finished and self._floor.running and self._pace.is_quick:
            self._wait_for_company()
        self._floor.fill(self._size)

    def _wait_for_company(self) -> None:
        deadline = time.monotonic() + COMPANY
        while self._floor.running and (left := deadline - time.monotonic()) > 0:
            self._floor.listen(left)
            self._receive()

    def _receive(self) -> None:
        reports = self._floor.reports()
        self.finished += reports
        for report in reports:
            if report.attempt.was_begun:
                self._pace.note(report.attempt.ended - report.attempt.begun)
            if report.interrupt is not None:
                self.interrupt = report.interrupt
                self._interrupted()
