"""The contract of job dispatch: work that runs later.

This is the mandatory part. What a dispatcher hands out is in `job_views`, what it calls workers with in `job_handling`;
what it may declare beyond is in `job_capabilities`, and the methods that go with it are in `job_extras`.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

from eventlite.contracts.job_capabilities import JobCapabilities, meanings, undeclared
from eventlite.contracts.job_extras import JobExtras
from eventlite.contracts.job_handling import Job, JobCancelled, RunningJob, Snooze
from eventlite.contracts.job_views import (
    DEFAULT_QUEUE,
    JOB_STATES,
    Durations,
    JobFailure,
    JobInfo,
    JobProgress,
    JobStatistics,
    QueueInfo,
    ScheduleInfo,
)
from eventlite.contracts.storage import Transaction
from eventlite.event import Event

__all__ = [
    "DEFAULT_QUEUE",
    "JOB_STATES",
    "Durations",
    "Job",
    "JobCancelled",
    "JobCapabilities",
    "JobDispatcher",
    "JobExtras",
    "JobFailure",
    "JobInfo",
    "JobProgress",
    "JobStatistics",
    "QueueInfo",
    "RunningJob",
    "ScheduleInfo",
    "Snooze",
    "meanings",
    "undeclared",
]


class JobDispatcher(JobExtras, Protocol):
    """Runs work later: enqueue, run, retry, cancel, inspect. Safe to call from any thread.

    Nothing runs but inside `run_until_idle` and `work`. A word in brackets, such as (`transactional`), is the
    capability that an argument needs: without it, asking for that raises a `JobError`, as `undeclared` does.
    """

    @property
    def capabilities(self) -> JobCapabilities:
        """What it can do beyond the mandatory part."""

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None, process: bool = False
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Register the decorated function for jobs of that name, and return it unchanged.

        A function that raises is called again later, after a wait that grows from attempt to attempt and stays below
        a day; `retries=3` means four attempts, then the job is dead. Raises `JobError` if the name is taken or cannot
        be one.

        With `timeout` (`timeouts`) an attempt fails that takes more seconds. With `process` (`processes`) it runs in a
        process of its own, which is killed when its time is over or its job is cancelled, and replaced when it ends by
        itself: a failed attempt. The function is one at the top of a module that can be imported; its job has no
        `transaction`.
        """

    def on_event(
        self,
        cmd: str,
        job: str,
        mapper: Callable[[Event], dict[str, Any] | None],
        *,
        name: str | None = None,
        after: int | None = None,
        inline: bool = False,
    ) -> None:
        """Enqueue `job` for every event of that command from now on, or from those after position `after`.

        The mapper makes the job's data from the event, or None for no job. Each event is served once. One whose mapper
        raises becomes a job that carries the trigger's name (`name`, or else "cmd→job") and the data `{"event": id}`;
        it runs the mapper once more, then is dead, and `retry` runs the mapper again. Raises `JobError` for a name that
        is taken by another trigger or a worker, `InvalidQueryError` for a position beyond the head.

        With `inline` (`transactional`) the job is made in the append's own transaction, which pays for it, and a mapper
        that raises refuses the append.
        """

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
        """Put a job in the queue, to run in `delay` seconds or at `run_at` (aware) at the earliest, and return its id.

        Of the jobs that are due the one with the highest priority runs first, among equals the one that was due first
        or, in an engine that keeps its own order, enqueued first; with `aging` a job gains priority while it waits.

        * `queue`, other than the default one (`queues`), is where it waits.
        * `unique` (`unique`), a text, or True for its data: there is one unfinished job of that name and text at a
          time, and the id is that of the one that is there.
        * `transaction` (`transactional`): it exists if that is committed.

        A worker of that name need not be there yet. Raises `JobError` for a name, data that is not JSON, delay or
        priority (an int of 32 bits) that cannot be used, and once the dispatcher is closed.
        """

    def run_until_idle(self) -> int:
        """Run triggers, then due jobs, until none is due and no trigger has news; returns how many attempts ran.

        Serves what the jobs themselves enqueue and append, too. Does not wait for delays and retries to come. What a
        function raises is kept with its job, except KeyboardInterrupt and SystemExit: there the attempt counts as
        failed, those that run are waited for, and then it is raised here. Raises `JobError` once it is closed.
        """

    def get(self, id: str) -> JobInfo | None:
        """The job of that id, or None."""

    def list(
        self, *, state: str | None = None, limit: int = 100, name: str | None = None, queue: str | None = None
    ) -> list[JobInfo]:
        """Jobs, the newest first, of one state, name or queue if it is given.

        Raises `JobError` for a state that there is not.
        """

    def retry(self, id: str) -> bool:
        """Put a dead or cancelled job back in the queue, with all its attempts before it; whether it was one."""

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue; whether it was pending.

        With `cancels_running`, ask the handler of a running one to stop, and answer True for it, too.
        """

    def stats(self) -> dict[str, int]:
        """How many jobs are in each of `JOB_STATES`, and `total`: of those that the dispatcher still keeps."""

    def close(self) -> None:
        """Stop: begin no more attempts, wait for those that run, then refuse more work. Closing twice is fine."""

    def enqueue_many(
        self,
        job: str,
        datas: Iterable[dict[str, Any]],
        *,
        delay: float = 0,
        priority: int = 0,
        queue: str = DEFAULT_QUEUE,
        transaction: Transaction | None = None,
    ) -> builtins.list[str]:
        """Put many jobs of one name in the queue, all or nothing where the dispatcher is `durable`; their ids.

        A dispatcher that knows no quicker way need not override this.
        """
        return [
            self.enqueue(job, data, delay=delay, priority=priority, queue=queue, transaction=transaction)
            for data in datas
        ]
