"""What the parts of the job suite share: the dispatcher under test, and short ways to use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from eventlite.contracts import Host, JobDispatcher, JobInfo, Storage
from eventlite.testing.capabilities import left_out
from eventlite.testing.host import StorageHost, open_storage

#: Seconds: no retry waits longer.
DAY = 86_400.0

TOO_LONG = "x" * 256

#: Seconds after which a thread that should have ended is taken for stuck.
PATIENCE = 20.0

Advance = Callable[[float], None]


class JobSuite:
    """The dispatcher under test."""

    covers: ClassVar[str]

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        """The store behind the host."""
        storage = open_storage()
        yield storage
        storage.close()

    @pytest.fixture
    def host(self, storage: Storage) -> Host:
        """What the dispatcher is made for."""
        return StorageHost(storage)

    @pytest.fixture
    def workers(self) -> int:
        """One job at a time, so that the order can be seen; some tests ask for more."""
        return 1

    @pytest.fixture
    def dispatcher(self, host: Host, workers: int) -> Any:
        """A new dispatcher that runs `workers` jobs at once; close it at the end."""
        raise NotImplementedError("override the fixture `dispatcher`")

    @pytest.fixture
    def advance(self) -> Advance:
        """A function that lets so many seconds of the dispatcher's time pass."""
        raise NotImplementedError("override the fixture `advance`")

    @pytest.fixture
    def reopen(self) -> Callable[[], JobDispatcher]:
        """A function that makes another dispatcher over the same host, as after a restart."""
        raise NotImplementedError("override the fixture `reopen`, since the dispatcher is durable")

    @pytest.fixture
    def ran(self) -> list[Any]:
        """What the workers of a test note down."""
        return []


def nothing(_job: Any) -> None:
    """A worker."""


def process_id(_job: Any) -> int:
    """A worker that tells where it runs."""
    return os.getpid()


def failing(attempts: list[Any]) -> Callable[[Any], None]:
    """A worker that notes its attempts and fails."""

    def fail(job: Any) -> None:
        attempts.append(job.attempt)
        raise ValueError(f"attempt {job.attempt} failed")

    return fail


class UnspeakableError(Exception):
    """An error without a text."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


def unspeakable(_job: Any) -> None:
    """A worker whose error has no text."""
    raise UnspeakableError


def on_placed(dispatcher: JobDispatcher, ran: list[Any], after: int | None = None) -> None:
    """Note `n` of every event `placed`."""
    dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
    dispatcher.on_event("placed", "note", lambda event: event.data, after=after)


def answer(mapped: Any) -> Any:
    if isinstance(mapped, Exception):
        raise mapped
    return mapped


def info_of(dispatcher: JobDispatcher, id: str) -> JobInfo:
    info = dispatcher.get(id)
    assert info is not None
    return info


def drain(dispatcher: JobDispatcher, advance: Advance) -> int:
    """Run until nothing is pending, days if need be; how many attempts ran."""
    attempts = dispatcher.run_until_idle()
    for _ in range(20):
        if not dispatcher.stats()["pending"]:
            break
        advance(DAY)
        attempts += dispatcher.run_until_idle()
    return attempts


def needs(dispatcher: JobDispatcher, *capabilities: str) -> None:
    """Leave out the running test unless the dispatcher declares all of these."""
    for name in capabilities:
        if not getattr(dispatcher.capabilities, name):
            left_out(name)


def one_in_each_state(dispatcher: JobDispatcher) -> dict[str, str]:
    """A job in every state in which it can rest, by state."""
    dispatcher.worker("tick")(nothing)
    dispatcher.worker("poison")(failing([]))
    ids = {"done": dispatcher.enqueue("tick"), "dead": dispatcher.enqueue("poison")}
    dispatcher.run_until_idle()
    ids["cancelled"], ids["pending"] = dispatcher.enqueue("tick"), dispatcher.enqueue("tick")
    dispatcher.cancel(ids["cancelled"])
    return ids
