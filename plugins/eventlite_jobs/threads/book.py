"""All jobs of a dispatcher, by state, behind one lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from heapq import nlargest
from itertools import chain, count
from threading import Condition

from eventlite import StoreClosedError
from eventlite.contracts.jobs import JOB_STATES
from eventlite.drafting import new_correlation as new_id
from eventlite_jobs.refusals import EARLIER, closed
from eventlite_jobs.threads.duequeue import DueQueue
from eventlite_jobs.threads.records import Record, cancelled, revived, started


class JobBook:
    """Keeps jobs and moves them from state to state.

    `changed` is the lock of everything in here; it is notified whenever a job moves.
    """

    def __init__(self, history: int, now: Callable[[], int]) -> None:
        self.changed = Condition()
        self._history = history
        self._now = now
        self._numbers = count(1)
        self._queue = DueQueue()
        self._states: dict[str, dict[str, Record]] = {state: {} for state in JOB_STATES}
        self._claiming = True
        self._open = True

    def add(self, name: str, data: str, *, delay: int, priority: int) -> str:
        """Put a new job in the queue and return its id; `delay` in microseconds."""
        now = self._now()
        with self.changed:
            if not self._open:
                raise closed()
            record = Record(new_id(), next(self._numbers), name, data, priority, enqueued=now, due=now + delay)
            self._place(record)
        return record.id

    def claim(self) -> Record | None:
        """The next job that is due, from now on running; None without one or once the book is closing."""
        with self.changed:
            while self._claiming and (next_up := self._queue.pop(self._now())):
                record = self._states["pending"].get(next_up[0])
                if record is not None and record.due == next_up[1]:
                    return self._place(started(record))
        return None

    def settle(self, record: Record) -> None:
        """Store what became of a running job."""
        with self.changed:
            self._place(record)

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue; whether it was pending."""
        with self._opened():
            record = self._states["pending"].get(id)
            if record is not None:
                self._place(cancelled(record, self._now()))
        return record is not None

    def revive(self, id: str) -> bool:
        """Put a dead or cancelled job back in the queue; whether it was one."""
        with self._opened():
            record = self._states["dead"].get(id) or self._states["cancelled"].get(id)
            if record is not None:
                self._place(revived(record, self._now()))
        return record is not None

    def get(self, id: str) -> Record | None:
        """The job of that id."""
        with self._opened():
            return next((jobs[id] for jobs in self._states.values() if id in jobs), None)

    def newest(self, states: Set[str], limit: int, name: str | None = None) -> list[Record]:
        """At most `limit` jobs in one of the states, of one name if it is given, the newest first."""
        with self._opened():
            records = chain.from_iterable(self._states[state].values() for state in states)
            wanted = (record for record in records if name is None or record.name == name)
            return nlargest(limit, wanted, key=lambda record: record.number)

    def counts(self) -> dict[str, int]:
        """How many jobs are in each state."""
        with self._opened():
            return {state: len(jobs) for state, jobs in self._states.items()}

    def check_open(self) -> None:
        """Raise `JobError` once the book is closing."""
        if not self._claiming:
            raise closed()

    def close(self, own: str | None) -> None:
        """Claim nothing more, wait for running jobs (but for `own`, the caller's), then take no more jobs."""
        with self.changed:
            if not self._claiming:
                return
            self._claiming = False
            self.changed.notify_all()
            self.changed.wait_for(lambda: self._states["running"].keys() <= {own})
            self._open = False

    @contextmanager
    def _opened(self) -> Iterator[None]:
        """The lock, of a book that is not closed; raises `StoreClosedError`."""
        with self.changed:
            if not self._open:
                raise StoreClosedError("the job dispatcher is closed", hint=EARLIER)
            yield

    def _place(self, record: Record) -> Record:
        for jobs in self._states.values():
            jobs.pop(record.id, None)
        self._states[record.state][record.id] = record
        if record.state == "pending":
            self._queue.push(record)
        elif record.finished is not None:
            self._forget_oldest(self._states[record.state])
        self.changed.notify_all()
        return record

    def _forget_oldest(self, finished: dict[str, Record]) -> None:
        if len(finished) > self._history:
            del finished[next(iter(finished))]
