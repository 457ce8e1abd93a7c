"""Running jobs in this process: one shift for each call of `run_until_idle` and `work`, all stopped together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from eventlite.contracts import Host
from eventlite_jobs.current import current_job
from eventlite_jobs.procrastinate import lost
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.procrastinate.settings import Settings
from eventlite_jobs.procrastinate.shift import Shift
from eventlite_jobs.refusals import closed
from eventlite_jobs.workers import Workers


class Shifts:
    """Those at work; the database is closed with them, when the last one is over."""

    def __init__(self, host: Host, database: Database, settings: Settings, workers: Workers) -> None:
        self._host = host
        self._database = database
        self._settings = settings
        self._workers = workers
        self._changed = threading.Condition()
        self._shifts: set[Shift] = set()
        self._closing = False

    def until_idle(self, follow: Callable[[], int]) -> int:
        """Call `follow` and run what is due, until there is neither; how many attempts ran."""
        queues = self._settings.queues
        with self._shift(self._settings.workers, queues) as shift:
            while True:
                events = follow()
                self._take_back(shift, queues)
                if not (shift.until_idle() or events) or shift.stopped:
                    break
        return _attempts(shift)

    def until(self, stop: threading.Event, follow: Callable[[], int], queues: Sequence[str] | None, size: int) -> int:
        """Call `follow` and run what is due until `stop` is set; how many attempts ran."""
        with self._shift(size, queues) as shift:
            working = shift.begin()
            while not (stop.is_set() or shift.stopped or working.done()):
                follow()
                self._take_back(shift, queues)
                stop.wait(self._settings.poll)
            shift.stop()
            shift.result(working)
        return _attempts(shift)

    def drain(self) -> None:
        """Begin no more jobs."""
        for shift in tuple(self._shifts):
            shift.stop()

    def close(self) -> None:
        """Drain, and wait for what runs, but not for the job that calls this."""
        own = current_job.get()
        with self._changed:
            self._closing = True
            for shift in self._shifts:
                shift.stop()
            self._changed.wait_for(lambda: all(shift.running == {own} for shift in self._shifts))
            busy = bool(self._shifts)
        if not busy:
            self._database.close()

    def _take_back(self, shift: Shift, queues: Sequence[str] | None) -> None:
        if shift.time_to_look():
            lost.take_back(self._database, self._workers, self._settings.lease, queues)

    @contextmanager
    def _shift(self, size: int, queues: Sequence[str] | None) -> Iterator[Shift]:
        shift = Shift(self._host, self._database, self._settings, self._workers, size, queues, self._changed)
        with self._changed:
            if self._closing:
                raise closed()
            self._shifts.add(shift)
        try:
            self._database.open()
            with shift.open():
                yield shift
        finally:
            with self._changed:
                self._shifts.discard(shift)
                self._changed.notify_all()
                last = self._closing and not self._shifts
            if last:
                self._database.close()


def _attempts(shift: Shift) -> int:
    """How many attempts a shift that is over has made; raises what a function raised to end the process."""
    if shift.interrupt is not None:
        raise shift.interrupt
    return shift.attempts
