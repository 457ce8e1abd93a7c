"""Claims jobs, has them run, and stores what became of them: one thread that decides, executors that work."""

from __future__ import annotations

import inspect
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue

from eventlite import EventLiteError, StorageError, StoreClosedError
from eventlite_jobs.durable import claiming
from eventlite_jobs.durable.attempt import Attempt, timed_out
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.endings import Report, raised
from eventlite_jobs.durable.executors import Executor
from eventlite_jobs.durable.executors.threads import ThreadExecutor
from eventlite_jobs.durable.history import Pruner
from eventlite_jobs.durable.rows import Claim
from eventlite_jobs.durable.session import Session
from eventlite_jobs.durable.settling import Outcome, settle
from eventlite_jobs.workers import Worker

_log = logging.getLogger("eventlite.jobs")

#: Seconds between two looks whether a running job was cancelled from elsewhere.
_CANCEL_PAUSE = 0.25

#: The longest pause after the store could not be written, in seconds.
_LONGEST_PAUSE = 1.0


#: Seconds for which jobs that are done wait for others that are about to be, so that one commit stores them together.
_COMPANY = 0.001


class Crew:
    """Runs the jobs of some queues, `size` at once; used once, by one thread.

    What was finished and what is begun next are one transaction. `wake`, `drain` and `stop_now` may be called from any
    thread, and from a signal handler.
    """

    def __init__(self, desk: Desk, pruner: Pruner, size: int, queues: Sequence[str] | None = None) -> None:
        self._desk = desk
        self._pruner = pruner
        self._size = size
        self._queues = queues
        self._inbox: SimpleQueue[Report | None] = SimpleQueue()
        self._running: dict[Attempt, Executor] = {}
        self._finished: list[Report] = []
        self._threads: ThreadExecutor | None = None
        self._loop: Executor | None = None
        self._processes: Executor | None = None
        self._claiming = True
        self._stop_now = False
        self._interrupt: BaseException | None = None
        #: How long jobs take of late, in seconds.
        self._pace = 0.0
        self._next_beat = self._next_look = time.monotonic()
        self.attempts = 0

    # --- from elsewhere

    def wake(self) -> None:
        """There may be something to do."""
        self._inbox.put(None)

    def drain(self) -> None:
        """Begin no more jobs."""
        self._claiming = False
        self.wake()

    def stop_now(self) -> None:
        """Put the running jobs back."""
        self._claiming, self._stop_now = False, True
        self.wake()

    def cancel(self, id: str) -> None:
        """Ask the handler of a running job to stop."""
        for attempt in list(self._running):
            if attempt.id == id:
                self._ask_to_stop(attempt, "cancelled")

    # --- the two ways to run

    def until_idle(self) -> int:
        """Run jobs until none is due; how many attempts ran."""
        try:
            self._turn()
            while self._running or self._finished:
                self._gather(self._patience())
                self._upkeep()
                self._turn()
        finally:
            self._leave()
        return self._end()

    def until(self, stop: threading.Event, follow: Callable[[], int], grace: float | None) -> int:
        """Run jobs, and `follow` in between, until `stop` is set; then finish what runs within `grace` seconds."""
        try:
            self._work(stop, follow)
            self._claiming = False
            self._finish(None if grace is None else time.monotonic() + grace)
        finally:
            self._leave()
        return self._end()

    def _work(self, stop: threading.Event, follow: Callable[[], int]) -> None:
        settings = self._desk.settings
        pause, trouble = settings.poll_shortest, 0.05
        while self._claiming and not stop.is_set():
            try:
                busy = follow() + self._turn()
                self._upkeep()
                self._pruner.prune_if_due()
                trouble = 0.05
            except StoreClosedError:
                raise
            except StorageError as error:  # what is finished is kept until it can be stored
                _log.warning("jobs wait %s seconds for the store: %s", trouble, error)
                time.sleep(trouble)  # not `stop.wait`: a signal handler that sets it then would wait for itself
                trouble = min(2 * trouble, _LONGEST_PAUSE)
                continue
            pause = settings.poll_shortest if busy else min(2 * pause, settings.poll_longest)
            self._gather(min(pause, self._patience()))

    def _finish(self, deadline: float | None) -> None:
        while self._running and not self._stop_now and (deadline is None or time.monotonic() < deadline):
            self._gather(min(0.05, self._patience()))
            self._upkeep()
            self._turn()
        for attempt in list(self._running):
            self._drop(attempt, "released", Outcome("released"))
        self._turn()

    def _end(self) -> int:
        self._pruner.prune_if_due()
        if self._interrupt is not None:
            raise self._interrupt
        return self.attempts

    def _leave(self) -> None:
        """However it ends, nobody else should have to wait for a lease."""
        self._claiming = False
        for attempt in list(self._running):
            self._drop(attempt, "released", Outcome("released"))
        if self._finished:
            with suppress(EventLiteError):
                self._turn()
            self._desk.roster.remove(report.attempt.id for report in self._finished)
        for executor in (self._threads, self._loop, self._processes):
            if executor is not None:
                executor.close()

    # --- one turn: store what is finished, take what is next

    def _turn(self) -> int:
        """How many jobs were finished or begun."""
        free = self._size - len(self._running) if self._claiming else 0
        if not self._finished and not (free and self._anything()):
            return 0
        reports, claims, now = self._finished, list[Claim](), self._desk.now()
        with self._desk.database.writing() as session:
            for report in reports:
                self._settle(session, report, now)
            if free:
                if not reports:
                    claiming.reclaim(session, now, self._desk.known_attempts)
                claims = claiming.claim(session, free, self._queues, now, self._desk.lease)
        self._finished = []
        self._desk.roster.remove(report.attempt.id for report in reports)
        self._pruner.note(len(reports))
        self._begin(claims)
        return len(reports) + len(claims)

    def _anything(self) -> bool:
        with self._desk.database.reading() as session:
            return session is not None and claiming.anything(session, self._desk.now(), self._queues)

    def _settle(self, session: Session, report: Report, now: int) -> None:
        attempt = report.attempt
        if attempt.settled:
            if report.outcome.kind != "done":
                _log.warning("%r failed after it was done: %s", attempt, report.outcome.error)
        elif not settle(session, attempt.claim, report.outcome, now, self._desk.known_attempts(attempt.name)):
            _log.warning("%r came too late: its lease was over, and its outcome is not kept", attempt)

    def _begin(self, claims: list[Claim]) -> None:
        if not claims:
            return
        if not self._running:
            self._next_beat = time.monotonic() + self._desk.settings.lease / 3
        self.attempts += len(claims)
        self._desk.roster.add(str(claim.id) for claim in claims)
        for claim in claims:
            self._start(Attempt(claim, self._desk.workers.get(claim.name), self._desk))

    def _start(self, attempt: Attempt) -> None:
        worker = attempt.worker
        if worker is None:
            self._finished.append(raised(attempt, self._desk.workers.unknown(attempt.name)))
            self.wake()
            return
        if worker.timeout is not None:
            attempt.deadline = time.monotonic() + worker.timeout
        executor = self._executor(worker)
        self._running[attempt] = executor
        executor.start(attempt)

    def _executor(self, worker: Worker) -> Executor:
        if worker.process:
            if self._processes is None:
                from eventlite_jobs.durable.executors.processes import ProcessExecutor

                self._processes = ProcessExecutor(self._inbox.put)
            return self._processes
        if inspect.iscoroutinefunction(worker.handler):
            if self._loop is None:
                from eventlite_jobs.durable.executors.loop import LoopExecutor

                self._loop = LoopExecutor(self._inbox.put)
            return self._loop
        if self._threads is None:
            self._threads = ThreadExecutor(self._inbox.put)
        return self._threads

    # --- while jobs run

    def _gather(self, seconds: float) -> None:
        """Wait for a report, for so long at most, and take all that are there."""
        if self._finished:
            seconds = 0
        try:
            self._receive(self._inbox.get(timeout=max(0.0, seconds)) if seconds else self._inbox.get_nowait())
            while True:
                self._receive(self._inbox.get_nowait())
        except Empty:
            if self._finished and self._running and self._pace < _COMPANY:
                self._wait_for_company()

    def _wait_for_company(self) -> None:
        deadline = time.monotonic() + _COMPANY
        with suppress(Empty):
            while self._running and (left := deadline - time.monotonic()) > 0:
                self._receive(self._inbox.get(timeout=left))

    def _receive(self, report: Report | None) -> None:
        if report is None or self._running.pop(report.attempt, None) is None:  # it was given up before
            return
        self._finished.append(report)
        self._pace += (report.attempt.ended - report.attempt.begun - self._pace) / 16
        if report.interrupt is not None:
            self._interrupt = report.interrupt
            self._claiming = False

    def _patience(self) -> float:
        """Seconds until something has to be looked after, whatever is reported."""
        if not self._running:
            return _LONGEST_PAUSE
        moments = [attempt.deadline for attempt in self._running if attempt.deadline is not None]
        return max(0.0, min(*moments, self._next_beat, self._next_look, float("inf")) - time.monotonic())

    def _upkeep(self) -> None:
        moment = time.monotonic()
        for attempt in [one for one in self._running if one.deadline is not None and one.deadline <= moment]:
            self._drop(attempt, "timeout", raised(attempt, timed_out(attempt)).outcome)
        if self._running and moment >= self._next_beat:
            self._next_beat = moment + self._desk.settings.lease / 3
            self._beat()
        if moment >= self._next_look:
            self._next_look = moment + _CANCEL_PAUSE
            if self._running:
                self._look_for_cancelled()

    def _beat(self) -> None:
        """Renew the leases of what runs, and take back what others have lost."""
        claims = {attempt.claim: attempt for attempt in self._running}
        now = self._desk.now()
        with self._desk.database.writing() as session:
            lost = claiming.renew(session, claims, now, self._desk.lease)
            claiming.reclaim(session, now, self._desk.known_attempts)
        for claim in lost:
            if not claims[claim].settled:
                self._ask_to_stop(claims[claim], "lost")

    def _look_for_cancelled(self) -> None:
        with self._desk.database.reading() as session:
            asked = claiming.cancelling(session) if session is not None else set()
        for attempt in [one for one in self._running if (one.claim.id, one.claim.fence) in asked]:
            self._ask_to_stop(attempt, "cancelled")

    def _ask_to_stop(self, attempt: Attempt, why: str) -> None:
        executor = self._running.get(attempt)
        if executor is not None and not attempt.stopping:
            attempt.stopping = why
            executor.interrupt(attempt)

    def _drop(self, attempt: Attempt, why: str, outcome: Outcome) -> None:
        """Its slot is free, whatever it still does: what it reports from now on counts for nothing."""
        executor = self._running.pop(attempt)
        attempt.stopping = why
        executor.interrupt(attempt)
        self._finished.append(Report(attempt, outcome))
