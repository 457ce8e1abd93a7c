"""The contract of job dispatch: work that runs later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from eventlite.event import Event

#: The states of a job: waiting for its (next) attempt; in one; finished well; out of attempts; taken out of the queue.
JOB_STATES = ("pending", "running", "done", "dead", "cancelled")


@dataclass(frozen=True, slots=True)
class JobCapabilities:
    """What a dispatcher can do beyond enqueue, run, retry, cancel and inspect."""

    #: Jobs and the positions of triggers survive the process.
    durable: bool = False
    #: Jobs can be enqueued in the append's own transaction.
    transactional: bool = False
    #: A worker's `timeout` is kept; without, asking for one is a `JobError`.
    timeouts: bool = False
    recurring: bool = False
    unique: bool = False
    progress: bool = False


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
    #: As its worker says; 1 as long as the dispatcher knows no worker of that name.
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


class JobDispatcher(Protocol):
    """Runs work later: enqueue, run, retry, cancel, inspect; the rest are declared capabilities.

    Safe to call from any thread. Nothing runs but inside `run_until_idle`.
    """

    @property
    def capabilities(self) -> JobCapabilities:
        """What it can do beyond the mandatory part."""

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Register the decorated function for jobs of that name, and return it unchanged.

        A function that raises is called again later, after a wait that grows from attempt to attempt and stays below
        a day; `retries=3` means four attempts, then the job is dead. `timeout` in seconds. Raises `JobError` if the
        name is taken or cannot be one, or for a timeout that the dispatcher cannot keep.
        """

    def on_event(
        self,
        cmd: str,
        job: str,
        mapper: Callable[[Event], dict[str, Any] | None],
        *,
        name: str | None = None,
        after: int | None = None,
    ) -> None:
        """Enqueue `job` for every event of that command from now on, or from those after position `after`.

        The mapper makes the job's data from the event, or None for no job. Each event is served once. One whose mapper
        raises becomes a job that carries the trigger's name (`name`, or else "cmd→job") and the data `{"event": id}`;
        it runs the mapper once more, then is dead, and `retry` runs the mapper again. Raises `JobError` for a name that
        is taken by another trigger or a worker, `InvalidQueryError` for a position beyond the head.
        """

    def enqueue(
        self,
        job: str,
        data: dict[str, Any] | None = None,
        *,
        delay: float = 0,
        priority: int = 0,
    ) -> str:
        """Put a job in the queue, to run in `delay` seconds at the earliest, and return its id.

        Of the jobs that are due the one with the highest priority runs first, among equals the one that was due first.
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

    def list(self, *, state: str | None = None, limit: int = 100) -> list[JobInfo]:
        """Jobs, the newest first. Raises `JobError` for a state that there is not."""

    def retry(self, id: str) -> bool:
        """Put a dead or cancelled job back in the queue, with all its attempts before it; whether it was one."""

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue; whether it was pending."""

    def stats(self) -> dict[str, int]:
        """How many jobs are in each of `JOB_STATES`, and `total`: of those that the dispatcher still keeps."""

    def close(self) -> None:
        """Stop: begin no more attempts, wait for those that run, then refuse more work. Closing twice is fine."""
