"""One attempt at a job, as its handler sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from eventlite import JobError
from eventlite.contracts import JobCancelled, Snooze, Transaction
from eventlite.jsontext import decode_object
from eventlite_jobs.checks import checked_progress
from eventlite_jobs.durable.claiming import mark_begun
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.rows import Claim
from eventlite_jobs.durable.session import Session
from eventlite_jobs.durable.settling import Done, Outcome, settle
from eventlite_jobs.workers import Worker

#: Seconds between two reports of progress that are stored.
_PROGRESS_PAUSE = 0.1

#: Why an attempt stops whose place was given to another one.
_ABANDONED = ("timeout", "released")

_PROGRESS = "UPDATE @job SET progress = ? WHERE id = ? AND fence = ? AND state = 'running'"


class Attempt:
    """A `RunningJob`; see the contract."""

    def __init__(self, claim: Claim, worker: Worker | None, desk: Desk) -> None:
        self.claim = claim
        self.worker = worker
        self.id = str(claim.id)
        self.name = claim.name
        self.queue = claim.queue
        self.attempt = claim.attempts
        #: Why it should stop: "cancelled", "timeout", "lost" or "released"; "" as long as it should not.
        self.stopping = ""
        #: Whether `transaction` has marked the job done.
        self.settled = False
        #: When it was begun, in microseconds since the epoch, and whether that is stored.
        self.started = claim.started
        self.marked = claim.started is not None
        #: When it was claimed, begun (0.0 before) and over, on the monotonic clock.
        self.claimed = time.monotonic()
        self.begun = self.ended = 0.0
        #: When it has run too long.
        self.deadline: float | None = None
        self._desk = desk
        self._data: dict[str, Any] | None = None
        self._reported = 0.0

    def __repr__(self) -> str:
        return f"<job {self.id} {self.name!r}, attempt {self.attempt}>"

    @property
    def was_begun(self) -> bool:
        """Whether its handler was called, or is about to be."""
        return self.begun != 0.0

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for its report any more."""
        return self.stopping in _ABANDONED

    def begin(self) -> None:
        """From now on its time runs."""
        self.begun = time.monotonic()
        self.started = self._desk.now()
        if self.worker is not None and self.worker.timeout is not None:
            self.deadline = self.begun + self.worker.timeout

    def settle(self, session: Session, outcome: Outcome, now: int) -> bool:
        """Store what became of it; False, and nothing is done, when the job is not this attempt's any more."""
        return settle(session, self.claim, outcome, now, self._desk.known_attempts(self.name), self.started)

    def done(self, result: Any) -> Done:
        """What is stored of it when its handler returned."""
        return Done(self.claim, result, self._desk.known_attempts(self.name), self.started)

    def mark_begun(self, session: Session) -> None:
        """Store that it runs, which is not known of a job that was claimed ahead."""
        mark_begun(session, self.claim, self.started)
        self.marked = True

    @property
    def data(self) -> dict[str, Any]:
        """What the job was enqueued with."""
        if self._data is None:
            self._data = decode_object(self.claim.data)
        return self._data

    @property
    def cancelled(self) -> bool:
        """Whether it should stop."""
        return self.stopping != ""

    def check(self) -> None:
        """Raise what the handler should end with, if it should stop."""
        match self.stopping:
            case "":
                return
            case "cancelled":
                raise JobCancelled("the job was cancelled")
            case "timeout":
                raise timed_out(self)
            case _:
                raise self._lost()

    def progress(self, done: float, note: str = "") -> None:
        """Say how far it is; stored ten times a second at most."""
        checked_progress(done, note)
        moment = time.monotonic()
        if moment - self._reported < _PROGRESS_PAUSE and done < 1:
            return
        self._reported = moment
        with self._desk.database.writing() as session:
            session.run(_PROGRESS, (orjson.dumps([done, note]).decode(), self.claim.id, self.claim.fence))

    def snooze(self, seconds: float) -> Snooze:
        """What to return or raise in order to be called again later."""
        return Snooze(seconds)

    @contextmanager
    def transaction(self, result: Any = None) -> Iterator[Transaction]:
        """A transaction of the store that marks the job done when it is committed."""
        desk = self._desk
        with desk.host.transaction() as transaction:
            if not self.settle(desk.database.inside(transaction), Outcome("done", result), desk.now()):
                raise self._lost()
            yield transaction
        self.settled = True

    def _lost(self) -> JobError:
        return JobError(
            f"{self!r} is not this worker's any more: another attempt may run", hint="Raise `lease` for slow jobs."
        )


def timed_out(attempt: Attempt) -> TimeoutError:
    """The error of an attempt that took too long."""
    seconds = None if attempt.worker is None else attempt.worker.timeout
    return TimeoutError(f"the attempt took longer than its timeout, {seconds} seconds")
