"""The contract of job dispatch: work that runs later."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Any, NamedTuple, NoReturn, Protocol

from eventlite.contracts.storage import Transaction
from eventlite.errors import JobError
from eventlite.event import Event

#: The states of a job: waiting for its (next) attempt; in one; finished well; out of attempts; taken out of the queue.
JOB_STATES = ("pending", "running", "done", "dead", "cancelled")

#: The queue of a job that names none.
DEFAULT_QUEUE = "default"


class Snooze(Exception):  # noqa: N818 - no error: the handler asks for another time
    """Raised or returned by a handler: run this job again in so many seconds, and do not count this attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} seconds")
        self.seconds = seconds


class JobCancelled(Exception):  # noqa: N818 - no error: the handler ends as it was asked to
    """Raised in or by a handler whose job is to end as cancelled."""


@dataclass(frozen=True, slots=True)
class JobCapabilities:
    """What a dispatcher can do beyond enqueue, run, retry, cancel and inspect."""

    #: Jobs and the positions of triggers survive the process.
    durable: bool = False
    #: Jobs can be enqueued in the append's own transaction, and done in that of their own effects.
    transactional: bool = False
    #: A worker's `timeout` is kept; without, asking for one is a `JobError`.
    timeouts: bool = False
    recurring: bool = False
    unique: bool = False
    progress: bool = False
    #: Queues of their own, that can be paused and limited.
    queues: bool = False
    #: Async functions can be workers.
    asynchronous: bool = False
    #: A running job can be asked to stop.
    cancels_running: bool = False
    #: `work` runs jobs until it is stopped.
    work_loop: bool = False
    #: Workers can run in processes of their own.
    processes: bool = False


class JobFailure(NamedTuple):
    """One failed attempt: its number, when it failed (microseconds since the epoch) and what it raised."""

    attempt: int
    at: int
    error: str


class JobProgress(NamedTuple):
    """How far a handler says it is: a fraction from 0 to 1, and a few words."""

    done: float
    note: str


class QueueInfo(NamedTuple):
    """One queue as it stands; `limit` is how many of its jobs may run at once, over all processes."""

    name: str
    paused: bool
    limit: int | None
    pending: int
    running: int


class ScheduleInfo(NamedTuple):
    """A recurring job: what it enqueues, when next (microseconds since the epoch), and its rule in words."""

    name: str
    job: str
    rule: str
    next: int
    last: int | None


class Durations(NamedTuple):
    """How long something took, in seconds."""

    mean: float
    median: float
    #: What 95 of 100 stayed within.
    most: float


@dataclass(frozen=True, slots=True)
class JobStatistics:
    """What a queue does; times in microseconds since the epoch."""

    #: As `stats`.
    by_state: Mapping[str, int]
    #: For each job's name how many are in each state, those without any left out.
    by_name: Mapping[str, Mapping[str, int]]
    #: Since when the pending job that waits longest has been due; None if none is due.
    oldest_pending: int | None
    #: Jobs that were done, and that died, in a minute, over the window.
    done_per_minute: float
    dead_per_minute: float
    #: From being due to the last attempt's begin, and from there to its end, of the last 1,000 jobs of the window.
    wait: Durations | None
    run: Durations | None


@dataclass(frozen=True, slots=True)
class JobInfo:
    """One job as it stands, in a copy. Times in microseconds since the epoch."""

    id: str
    name: str
    data: dict[str, Any]
    #: One of `JOB_STATES`.
    state: str
    #: How many attempts were begun since it was enqueued, or since it was put back with `retry`.
    attempts: int
    #: As its worker says; the dispatcher's own number as long as it knows no worker of that name.
    max_attempts: int
    priority: int
    enqueued: int
    #: When it may run: for a failed job that is tried again, the time of its next attempt.
    due: int
    #: When it was done, dead or cancelled.
    finished: int | None
    #: What the last attempt raised, as "Type: text"; None once it is done.
    error: str | None
    #: What the worker's function returned, as JSON gives it back; None if that was not JSON.
    result: Any
    queue: str = DEFAULT_QUEUE
    #: When its last attempt was begun.
    started: int | None = None
    #: Its failed attempts, the last ones, in order; only where the dispatcher keeps them.
    failures: tuple[JobFailure, ...] = ()
    #: What its handler reported last.
    progress: JobProgress | None = None
    #: What no other unfinished job of that name may have.
    unique: str | None = None


class Job(Protocol):
    """What a worker's function is called with."""

    @property
    def id(self) -> str:
        """The job's id."""

    @property
    def name(self) -> str:
        """Which worker it is for."""

    @property
    def data(self) -> dict[str, Any]:
        """What it was enqueued with; every attempt gets a copy of its own."""

    @property
    def attempt(self) -> int:
        """1 on the first try."""


class RunningJob(Job, Protocol):
    """What a dispatcher that declares the capabilities named here calls its workers with."""

    @property
    def queue(self) -> str:
        """The queue it came from."""

    @property
    def cancelled(self) -> bool:
        """Whether it should stop: it was cancelled, ran out of time, or its lease was lost."""

    def check(self) -> None:
        """Raise what the handler should end with if it should stop: `JobCancelled`, TimeoutError or `JobError`."""

    def progress(self, done: float, note: str = "") -> None:
        """Say how far it is, from 0 to 1 (`progress`)."""

    def snooze(self, seconds: float) -> Snooze:
        """What to return or raise in order to be called again in so many seconds, this attempt not counted."""

    def transaction(self, result: Any = None) -> AbstractContextManager[Transaction]:
        """A transaction of the store that marks the job done: its effects happen exactly once (`transactional`).

        Raises `JobError`, and undoes everything, if the job is not this attempt's any more.
        """


def undeclared(capability: str, what: str) -> NoReturn:
    """Refuse what the dispatcher cannot do."""
    raise JobError(
        f"this dispatcher has no {what} (capability {capability!r})",
        hint='Use one that declares it, such as `plugin = "durable"` in the profile\'s [jobs] section.',
    )


class JobDispatcher(Protocol):
    """Runs work later: enqueue, run, retry, cancel, inspect; the rest are declared capabilities.

    Safe to call from any thread. Nothing runs but inside `run_until_idle` and `work`. A dispatcher that derives from
    this class refuses, with a `JobError`, what it does not override of the part that is not mandatory.
    """

    @property
    def capabilities(self) -> JobCapabilities:
        """What it can do beyond the mandatory part."""

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None, process: bool = False
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Register the decorated function for jobs of that name, and return it unchanged.

        A function that raises is called again later, after a wait that grows from attempt to attempt and stays below
        a day; `retries=3` means four attempts, then the job is dead. `timeout` in seconds. Raises `JobError` if the
        name is taken or cannot be one, or for a timeout that the dispatcher cannot keep.

        With `process` (`processes`) it runs in a process of its own, which is killed when its time is over or its job
        is cancelled, and replaced when it ends by itself: a failed attempt. The function is one at the top of a module
        that can be imported; its job has no `transaction`.
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

        Of the jobs that are due the one with the highest priority runs first, among equals the one that was due first;
        a dispatcher may let a job gain priority while it waits, so that none waits for ever. With `unique` (`unique`),
        a text, or True for its data, there is one unfinished job of that name and text at a time: the id is that of the
        one that is there. With `transaction` (`transactional`) it exists if that is committed.

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

    # What is not mandatory.

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
        """Put many jobs of one name in the queue, all or nothing where the dispatcher is `durable`; their ids."""
        return [self.enqueue(job, data, delay=delay, priority=priority, queue=queue) for data in datas]

    def work(
        self,
        stop: Flag,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
    ) -> int:
        """Run triggers, schedules and due jobs until `stop` is set; how many attempts ran (`work_loop`).

        Then begins no more jobs and waits for those that run, `grace` seconds at most: those left are put back. A
        signal handler may set `stop`.
        """
        undeclared("work_loop", "work loop")

    def drain(self) -> None:
        """Have every `work` of this process end as if its `stop` were set; fit for a signal handler (`work_loop`)."""
        undeclared("work_loop", "work loop")

    def stop_now(self) -> None:
        """Have every `work` of this process put its running jobs back and end; fit for signals, too (`work_loop`)."""
        undeclared("work_loop", "work loop")

    def recurring(
        self,
        job: str,
        data: dict[str, Any] | None = None,
        *,
        cron: str | None = None,
        every: float | timedelta | None = None,
        timezone: str = "UTC",
        name: str | None = None,
        priority: int = 0,
        queue: str = DEFAULT_QUEUE,
    ) -> None:
        """Enqueue a job at the times of a cron expression, or every so many seconds, from now on (`recurring`).

        The schedule is kept under `name` (else the job's name), in the store; of several processes that register it one
        enqueues each occurrence. After a downtime one occurrence is made up for, and no more.
        """
        undeclared("recurring", "recurring jobs")

    def schedules(self) -> builtins.list[ScheduleInfo]:
        """The recurring jobs in the store, by name (`recurring`)."""
        undeclared("recurring", "recurring jobs")

    def unschedule(self, name: str) -> bool:
        """Forget a recurring job; whether there was one (`recurring`)."""
        undeclared("recurring", "recurring jobs")

    def pause(self, queue: str) -> None:
        """Begin no more jobs of a queue, in any process (`queues`)."""
        undeclared("queues", "queues")

    def resume(self, queue: str) -> None:
        """Go on with a queue (`queues`)."""
        undeclared("queues", "queues")

    def limit(self, queue: str, jobs: int | None) -> None:
        """Let so many jobs of a queue run at once, over all processes; None is no limit (`queues`)."""
        undeclared("queues", "queues")

    def queues(self) -> builtins.list[QueueInfo]:
        """The queues that were used, by name (`queues`)."""
        undeclared("queues", "queues")

    def statistics(self, window: float = 3600.0) -> JobStatistics:
        """What `stats` counts and more, rates and times over the last `window` seconds (`durable`)."""
        undeclared("durable", "statistics")

    def prune(self, *, history: int | None = None, keep: float | None = None) -> int:
        """Forget finished jobs beyond the newest `history` of each state, and older than `keep` seconds (`durable`).

        None is the profile's setting. Returns how many were forgotten.
        """
        undeclared("durable", "history")
