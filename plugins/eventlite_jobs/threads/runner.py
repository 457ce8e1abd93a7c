"""Runs due jobs in threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from eventlite_jobs.backoff import retry_delay
from eventlite_jobs.current import current_job
from eventlite_jobs.threads.book import JobBook
from eventlite_jobs.threads.records import Record, died, postponed, succeeded, task
from eventlite_jobs.threads.tasks import call, max_attempts
from eventlite_jobs.workers import Workers


class Round:
    """Runs jobs, `threads` at once, until none is due; used once.

    The calling thread hands out the jobs, so that they start in the queue's order; it takes the next one as soon as a
    thread is free and a job is due, those that a running job enqueues included.
    """

    def __init__(self, book: JobBook, workers: Workers, threads: int, now: Callable[[], int]) -> None:
        self._book = book
        self._workers = workers
        self._threads = threads
        self._now = now
        self._running = 0
        self._attempts = 0
        self._interrupt: BaseException | None = None

    def run(self) -> int:
        """How many attempts ran. Raises the KeyboardInterrupt or SystemExit of a handler once the others are done."""
        with ThreadPoolExecutor(self._threads, "eventlite-job") as pool:
            while (record := self._next()) is not None:
                pool.submit(self._attempt, record)
        if self._interrupt is not None:
            raise self._interrupt
        return self._attempts

    def _next(self) -> Record | None:
        """Wait for a job that is due and a thread that is free; None once there is nothing to wait for."""
        with self._book.changed:
            while self._interrupt is None:
                record = self._book.claim() if self._running < self._threads else None
                if record is not None:
                    self._running += 1
                    self._attempts += 1
                    return record
                if self._running == 0:
                    return None
                self._book.changed.wait()
        return None

    def _attempt(self, record: Record) -> None:
        current_job.set(record.id)
        try:
            settled = succeeded(record, call(self._workers, task(record)), self._now())
        except Exception as error:  # whatever a handler raises is kept with its job
            settled = self._failed(record, error)
        except BaseException as error:  # and what means to end the process goes on to the caller
            settled = self._failed(record, error)
            self._interrupt = error
        with self._book.changed:
            self._running -= 1
            self._book.settle(settled)

    def _failed(self, record: Record, error: BaseException) -> Record:
        if record.attempts >= max_attempts(self._workers, record.name):
            return died(record, error, self._now())
        return postponed(record, error, self._now() + round(retry_delay(record.attempts) * 1_000_000))
