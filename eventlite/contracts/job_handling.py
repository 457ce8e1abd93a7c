"""What a worker's function is called with, and what it may raise to say how its job goes on."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol

from eventlite.contracts.storage import Transaction


class Snooze(Exception):  # noqa: N818 - no error: the handler asks for another time
    """Raised or returned by a handler: run this job again in so many seconds, and do not count this attempt."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again in {seconds} seconds")
        self.seconds = seconds


class JobCancelled(Exception):  # noqa: N818 - no error: the handler ends as it was asked to
    """Raised in or by a handler whose job is to end as cancelled."""


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
        """The queue it came from (`queues`)."""

    @property
    def cancelled(self) -> bool:
        """Whether it should stop: it was cancelled, ran out of time, or its lease was lost (`cancels_running`)."""

    def check(self) -> None:
        """Raise what the handler should end with if it should stop: `JobCancelled`, TimeoutError or `JobError`."""

    def progress(self, done: float, note: str = "") -> None:
        """Say how far it is, from 0 to 1 (`progress`)."""

    def snooze(self, seconds: float) -> Snooze:
        """What to return or raise to be called again in so many seconds, this attempt not counted (`snooze`)."""

    def transaction(self, result: Any = None) -> AbstractContextManager[Transaction]:
        """A transaction of the store that marks the job done: its effects happen exactly once (`transactional`).

        Raises `JobError`, and undoes everything, if the job is not this attempt's any more.
        """
