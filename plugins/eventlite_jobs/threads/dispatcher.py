"""The dispatcher: puts workers, jobs and triggers together."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from eventlite import JobError
from eventlite.contracts import Host, Job, JobCapabilities, JobDispatcher, JobInfo, Transaction
from eventlite.contracts.jobs import DEFAULT_QUEUE, JOB_STATES, undeclared
from eventlite.drafting import now as wall_clock
from eventlite_jobs.checks import (
    check_plain,
    checked_limit,
    checked_name,
    checked_priority,
    checked_retries,
    checked_state,
    data_text,
    delay_microseconds,
    microseconds_until,
)
from eventlite_jobs.current import current_job
from eventlite_jobs.threads.book import JobBook
from eventlite_jobs.threads.records import Record, info
from eventlite_jobs.threads.runner import Round
from eventlite_jobs.threads.tasks import max_attempts
from eventlite_jobs.triggers import Mapper, Trigger, Triggers, Wanted, new_trigger
from eventlite_jobs.workers import Handler, Workers


class ThreadDispatcher(JobDispatcher):
    """A `JobDispatcher` whose jobs and trigger positions live in this process and end with it.

    Runs jobs only inside `run_until_idle`, `workers` at once. Keeps the last `history` jobs that are done, as many dead
    and as many cancelled ones. `now` tells the time in microseconds since the epoch. Safe to use from any thread.
    """

    def __init__(
        self, host: Host, *, workers: int = 4, history: int = 1000, now: Callable[[], int] = wall_clock
    ) -> None:
        self._threads = workers
        self._now = now
        self._book = JobBook(history, now)
        self._workers = Workers()
        self._triggers = Triggers(host, self._take)

    @property
    def capabilities(self) -> JobCapabilities:
        """The mandatory part only."""
        return JobCapabilities()

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None, process: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function for jobs of that name; see the contract."""
        if process:
            undeclared("processes", "processes for workers")
        checked_name(name, "the worker's name")
        checked_retries(retries)
        if timeout is not None:
            raise JobError(
                f"the worker {name!r} asks for a timeout, but a thread cannot be stopped from outside",
                hint="Leave `timeout` out and let the function watch the time itself.",
            )

        def register(handler: Handler) -> Handler:
            check_plain(handler, f"the worker {name!r}")
            self._workers.add(name, handler, retries=retries)
            return handler

        return register

    def on_event(
        self,
        cmd: str,
        job: str,
        mapper: Mapper,
        *,
        name: str | None = None,
        after: int | None = None,
        inline: bool = False,
    ) -> None:
        """Enqueue `job` for every event of that command; see the contract."""
        if inline:
            undeclared("transactional", "inline triggers")
        trigger = new_trigger(cmd, job, mapper, name)
        trigger.cursor = self._triggers.start_position(after)
        self._workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)
        self._triggers.start(trigger)

    def enqueue(
        self,
        job: str,
        data: dict[str, Any] | None = None,
        *,
        delay: float = 0,
        priority: int = 0,
        run_at: datetime | None = None,
        queue: str = DEFAULT_QUEUE,
        unique: str | bool = False,
        transaction: Transaction | None = None,
    ) -> str:
        """Put a job in the queue and return its id; see the contract."""
        checked_name(job, "job")
        if queue != DEFAULT_QUEUE:
            undeclared("queues", "queues")
        if unique is not False:
            undeclared("unique", "unique jobs")
        if transaction is not None:
            undeclared("transactional", "jobs in a transaction")
        return self._book.add(
            job,
            data_text(data),
            delay=delay_microseconds(delay) if run_at is None else microseconds_until(run_at, self._now(), delay),
            priority=checked_priority(priority),
        )

    def run_until_idle(self) -> int:
        """Run triggers, then due jobs, until there is neither; returns how many attempts ran."""
        self._book.check_open()
        attempts = 0
        while True:
            events = self._triggers.catch_up()
            ran = Round(self._book, self._workers, self._threads, self._now).run()
            attempts += ran
            if not events and not ran:
                return attempts

    def get(self, id: str) -> JobInfo | None:
        """The job of that id, or None."""
        record = self._book.get(id)
        return None if record is None else self._info(record)

    def list(
        self, *, state: str | None = None, limit: int = 100, name: str | None = None, queue: str | None = None
    ) -> builtins.list[JobInfo]:
        """Jobs, the newest first, of one state or name if it is given; there is one queue."""
        states = frozenset(JOB_STATES) if state is None else frozenset([checked_state(state)])
        if queue not in (None, DEFAULT_QUEUE):
            return []
        return [self._info(record) for record in self._book.newest(states, checked_limit(limit), name)]

    def retry(self, id: str) -> bool:
        """Put a dead or cancelled job back in the queue; whether it was one."""
        return self._book.revive(id)

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue; whether it was pending."""
        return self._book.cancel(id)

    def stats(self) -> dict[str, int]:
        """How many jobs are in each state, and `total`."""
        counts = self._book.counts()
        return {**counts, "total": sum(counts.values())}

    def close(self) -> None:
        """Stop; running jobs are waited for, pending ones are gone."""
        self._book.close(own=current_job.get())

    def _take(self, trigger: Trigger, wanted: Sequence[Wanted], position: int) -> None:
        for one in wanted:
            self._book.add(one.job, one.data, delay=0, priority=0)
        trigger.cursor = position

    def _serve_again(self, trigger: Trigger, job: Job) -> None:
        wanted = self._triggers.map_again(trigger, job)
        if wanted is not None:
            self._book.add(wanted.job, wanted.data, delay=0, priority=0)

    def _info(self, record: Record) -> JobInfo:
        return info(record, max_attempts(self._workers, record.name))
