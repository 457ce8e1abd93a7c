"""What wakes a worker that hardly ever looks: hints of the storage, and the times that it knows of."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from eventlite_jobs.durable import claiming

from eventlite import Kernel

#: Seconds between two looks of the worker: longer than any test waits.
_SELDOM = {"poll_shortest": 60.0, "poll_longest": 60.0}

_PATIENCE = 20.0

WaitUntil = Callable[[Callable[[], bool]], None]

#: Seconds after which a storage announces again what comes; a worker that looks more often finds what comes earlier.
_HUSH = 0.1


@pytest.fixture
def store(postgres: dict[str, str]) -> dict[str, Any]:
    return {"plugin": "postgres", **postgres}


@pytest.fixture
def other(store: dict[str, Any]) -> Iterator[Kernel]:
    """The kernel of another process, as far as the storage knows."""
    with Kernel.from_profile(storage=store) as kernel:
        yield kernel


@pytest.fixture
def ran() -> list[Any]:
    return []


@pytest.fixture
def kernel(store: dict[str, Any], other: Kernel, ran: list[Any], wait_until: WaitUntil) -> Iterator[Kernel]:
    """One whose worker is at rest by the time that the test begins."""
    other.jobs.cancel(other.jobs.enqueue("note"))
    stop = threading.Event()
    with Kernel.from_profile(storage=store, jobs=_SELDOM) as kernel:
        kernel.jobs.worker("note")(lambda job: ran.append(job.data))
        kernel.jobs.on_event("placed", "note", lambda event: event.data)
        kernel.jobs.enqueue("note", {"n": 0})
        thread = threading.Thread(target=kernel.jobs.work, args=(stop,))
        thread.start()
        wait_until(lambda: ran == [{"n": 0}] and is_listening(kernel))
        time.sleep(_HUSH)
        yield kernel
        stop.set()
        thread.join(_PATIENCE)
        assert not thread.is_alive()


def is_listening(kernel: Kernel) -> bool:
    """Whether the connection that hears of others is there; until then only looking helps."""
    with kernel.storage.snapshot() as snapshot:
        channel = kernel.storage._store.channel
        found = snapshot.connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE query = %s", (f'LISTEN "{channel}"',)
        )
        return found.fetchone()[0] > 0


def test_a_job_of_another_process(kernel: Kernel, other: Kernel, ran: list[Any], wait_until: WaitUntil) -> None:
    other.jobs.enqueue("note", {"n": 1})
    wait_until(lambda: ran[1:] == [{"n": 1}])


def test_a_delayed_job_of_another_process(kernel: Kernel, other: Kernel, ran: list[Any], wait_until: WaitUntil) -> None:
    other.jobs.enqueue("note", {"n": 1}, delay=0.3)
    wait_until(lambda: ran[1:] == [{"n": 1}])


def test_an_event_of_another_process(kernel: Kernel, other: Kernel, ran: list[Any], wait_until: WaitUntil) -> None:
    other.append("placed", {"n": 1})
    wait_until(lambda: ran[1:] == [{"n": 1}])


def test_a_job_that_is_put_back_and_a_queue_that_goes_on(
    kernel: Kernel, other: Kernel, ran: list[Any], wait_until: WaitUntil
) -> None:
    kernel.jobs.pause("default")
    id = other.jobs.enqueue("note", {"n": 1})
    other.jobs.cancel(id)
    other.jobs.resume("default")
    time.sleep(_HUSH)
    other.jobs.retry(id)
    wait_until(lambda: ran[1:] == [{"n": 1}])


def test_a_recurring_job_is_on_time(kernel: Kernel, ran: list[Any], wait_until: WaitUntil) -> None:
    kernel.jobs.recurring("note", {"n": 1}, every=0.1)
    kernel.jobs.enqueue("note", {"n": 2})
    wait_until(lambda: ran.count({"n": 1}) >= 3)


def test_a_recurring_job_that_comes_due_while_the_worker_looks_for_others(
    kernel: Kernel, ran: list[Any], wait_until: WaitUntil, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment, look = [kernel.clock()], claiming.next_work

    def slow_look(*arguments: Any) -> int | None:
        moment[0] += 1000
        return look(*arguments)

    kernel.clock = lambda: moment[0]
    monkeypatch.setattr(claiming, "next_work", slow_look)
    kernel.jobs.recurring("note", {"n": 1}, every=0.0015)
    kernel.jobs.enqueue("note", {"n": 2})
    wait_until(lambda: ran.count({"n": 1}) >= 3)


def test_a_store_that_does_not_listen_is_looked_at_more_often(store: dict[str, Any], other: Kernel) -> None:
    stop, done = threading.Event(), threading.Event()
    with Kernel.from_profile(storage={**store, "listen": False}) as kernel:
        kernel.jobs.worker("note")(lambda _job: done.set())
        thread = threading.Thread(target=kernel.jobs.work, args=(stop,))
        thread.start()
        other.jobs.enqueue("note")
        assert done.wait(_PATIENCE)
        stop.set()
        thread.join(_PATIENCE)
    assert not thread.is_alive()
