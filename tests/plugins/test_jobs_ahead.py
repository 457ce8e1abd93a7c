"""Jobs that are claimed ahead of free workers: nobody notices, except that they run sooner."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlite import Kernel

#: Seconds within which whatever should come has come.
PATIENCE = 60.0

#: So many quick jobs, and the pace is known.
WARM = 60

#: Works on jobs that have no second attempt, and dies in the first one that runs while others are claimed ahead.
WORKER = """
import json, os, signal, sys, threading
from pathlib import Path
from eventlite import Kernel
with Kernel.from_profile(storage=json.loads(sys.argv[1]), jobs={"lease": 0.3, "workers": 1}) as kernel:
    died = Path(sys.argv[2])
    @kernel.jobs.worker("quick")
    def quick(job):
        if not died.exists() and kernel.jobs.stats()["running"] > 2:
            died.write_text(job.id)
            os.kill(os.getpid(), signal.SIGKILL)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    print("ready", flush=True)
    kernel.jobs.work(stop)
"""


@pytest.fixture
def store(tmp_path: Path) -> dict[str, Any]:
    return {"path": str(tmp_path / "jobs.db"), "synchronous": "normal"}


@pytest.fixture
def kernel(store: dict[str, Any]) -> Iterator[Kernel]:
    with Kernel.from_profile(storage=store, jobs={"workers": 1}) as kernel:
        yield kernel


@pytest.fixture
def run(kernel: Kernel) -> Callable[[Callable[[Any], None]], list[int]]:
    """Run twice as many jobs as warm up, and `act` in the one after those; which ran, in order."""
    ran: list[int] = []

    def run(act: Callable[[Any], None]) -> list[int]:
        @kernel.jobs.worker("quick")
        def quick(job: Any) -> None:
            ran.append(job.data["n"])
            if job.data["n"] == WARM:
                act(job)

        kernel.jobs.enqueue_many("quick", [{"n": n} for n in range(2 * WARM)])
        kernel.jobs.run_until_idle()
        return ran

    return run


def after(job: Any) -> str:
    """The id of the job that was enqueued right after that one."""
    return str(int(job.id) + 1)


def test_quick_jobs_are_claimed_ahead_and_run_in_order(kernel: Kernel, run) -> None:
    running: list[int] = []
    assert run(lambda _: running.append(kernel.jobs.stats()["running"])) == list(range(2 * WARM))
    assert running[0] > 1
    assert {(job.state, job.attempts) for job in kernel.jobs.list(limit=1000)} == {("done", 1)}
    assert all(job.enqueued <= job.started <= job.finished for job in kernel.jobs.list(limit=1000))


def test_none_is_claimed_ahead_if_the_profile_says_so(store: dict[str, Any]) -> None:
    running: list[int] = []
    with Kernel.from_profile(storage=store, jobs={"workers": 1, "ahead": 0}) as kernel:
        kernel.jobs.worker("quick")(lambda _: running.append(kernel.jobs.stats()["running"]))
        kernel.jobs.enqueue_many("quick", [{}] * WARM)
        kernel.jobs.run_until_idle()
    assert set(running) == {1}


def test_what_waits_for_too_long_is_given_back_and_the_slow_job_is_known_to_run(
    kernel: Kernel, run, wait_until
) -> None:
    other: list[dict[str, int]] = []
    started: list[int | None] = []

    def be_slow(job: Any) -> None:
        wait_until(lambda: kernel.jobs.stats()["running"] == 1)
        wait_until(lambda: kernel.jobs.get(job.id).started is not None)
        other.append(kernel.jobs.stats())
        started.append(kernel.jobs.get(job.id).started)
        assert all(job.attempts == 0 for job in kernel.jobs.list(state="pending", limit=1000))

    assert run(be_slow) == list(range(2 * WARM))
    assert other[0]["pending"] == WARM - 1
    assert {(job.state, job.attempts) for job in kernel.jobs.list(limit=1000)} == {("done", 1)}


def test_a_paused_queue_begins_no_job_that_was_claimed_ahead(kernel: Kernel, run) -> None:
    assert run(lambda _: kernel.jobs.pause("default")) == list(range(WARM + 1))
    assert {job.attempts for job in kernel.jobs.list(state="pending", limit=1000)} == {0}
    kernel.jobs.resume("default")
    kernel.jobs.run_until_idle()
    assert kernel.jobs.stats()["done"] == 2 * WARM


def test_an_urgent_job_goes_before_those_that_were_claimed_ahead(kernel: Kernel, run) -> None:
    order: list[str] = []
    kernel.jobs.worker("urgent")(lambda job: order.append(job.name))
    ran = run(lambda _: kernel.jobs.enqueue("urgent", priority=5))
    urgent = next(job for job in kernel.jobs.list(name="urgent"))
    behind = [job for job in kernel.jobs.list(name="quick", limit=1000) if job.data["n"] > WARM]
    assert all(urgent.started <= job.started for job in behind)
    assert ran == list(range(2 * WARM))


def test_a_job_that_was_claimed_ahead_can_be_cancelled_before_it_begins(kernel: Kernel, run) -> None:
    cancelled: list[bool] = []
    ran = run(lambda job: cancelled.append(kernel.jobs.cancel(after(job))))
    assert cancelled == [True]
    assert ran == [n for n in range(2 * WARM) if n != WARM + 1]
    (left_out,) = kernel.jobs.list(state="cancelled")
    assert (left_out.attempts, left_out.started) == (0, None)


def test_a_drained_crew_gives_back_what_it_claimed_ahead(kernel: Kernel, run) -> None:
    assert run(lambda _: kernel.jobs.drain())[: WARM + 1] == list(range(WARM + 1))
    assert kernel.jobs.stats()["running"] == 0


def test_draining_begins_nothing_that_was_claimed_ahead(kernel: Kernel) -> None:
    ran: list[int] = []

    @kernel.jobs.worker("quick")
    def quick(job: Any) -> None:
        ran.append(job.data["n"])
        if job.data["n"] == WARM:
            kernel.jobs.drain()

    kernel.jobs.enqueue_many("quick", [{"n": n} for n in range(2 * WARM)])
    kernel.jobs.work(threading.Event())
    assert ran == list(range(WARM + 1))
    assert {(job.state, job.attempts) for job in kernel.jobs.list(state="pending", limit=1000)} == {("pending", 0)}
    assert kernel.jobs.stats()["running"] == 0


def test_a_limited_queue_is_not_claimed_ahead(kernel: Kernel) -> None:
    running: list[int] = []
    kernel.jobs.limit("default", 1)
    kernel.jobs.worker("quick")(lambda _: running.append(kernel.jobs.stats()["running"]))
    kernel.jobs.enqueue_many("quick", [{}] * WARM)
    kernel.jobs.run_until_idle()
    assert set(running) == {1}


def test_jobs_of_all_kinds_of_workers_keep_to_the_concurrency(store: dict[str, Any]) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def count(change: int) -> None:
        with lock:
            now[0] += change
            most[0] = max(most[0], now[0])

    with Kernel.from_profile(storage=store, jobs={"workers": 3}) as kernel:

        @kernel.jobs.worker("plain")
        def plain(_job: Any) -> None:
            count(1)
            count(-1)

        @kernel.jobs.worker("awaited")
        async def awaited(_job: Any) -> None:
            count(1)
            count(-1)

        for n in range(2 * WARM):
            kernel.jobs.enqueue("awaited" if n % 3 == 0 else "plain")
        kernel.jobs.run_until_idle()
        assert kernel.jobs.stats()["done"] == 2 * WARM
    assert most[0] <= 3


def test_a_job_that_kills_its_worker_takes_none_with_it_that_was_not_begun(
    start, kernel: Kernel, store: dict[str, Any], tmp_path: Path, wait_until
) -> None:
    died = tmp_path / "died"
    kernel.jobs.enqueue_many("quick", [{"n": n} for n in range(4 * WARM)])
    assert start(WORKER, json.dumps(store), died).wait(PATIENCE) == -signal.SIGKILL
    worker = start(WORKER, json.dumps(store), died)
    wait_until(lambda: kernel.jobs.stats()["done"] + kernel.jobs.stats()["dead"] == 4 * WARM)
    worker.send_signal(signal.SIGTERM)
    worker.wait(PATIENCE)
    found = kernel.jobs.list(limit=1000)
    again = [job for job in found if job.attempts == 2]
    assert again, "none was lost that had been claimed ahead"
    assert all("may not have been begun" in job.failures[0].error for job in again)
    lost = [job for job in found if job.state == "dead"]  # had run, and the process died before that was stored
    assert len(lost) <= 1
    assert all(job.attempts == 1 and "may not have been begun" not in job.error for job in lost)
