"""Workers in processes of their own: what hangs is killed, what crashes is replaced, and the queue goes on."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from eventlite import JobError, Kernel
from eventlite.contracts import JobInfo

MODULE = """
import asyncio, os, signal, sys, time
from pathlib import Path
from eventlite.contracts import JobCancelled

class Nested:
    @staticmethod
    def where(job):
        return {"pid": os.getpid(), "data": job.data, "attempt": job.attempt, "queue": job.queue}

where = Nested.where

async def later(job):
    await asyncio.sleep(0)
    return "later"

def fails(job):
    raise ValueError("no good")

def leaves(job):
    sys.exit(3)

def hangs(job):
    Path(f"hung{job.attempt}").write_text(str(os.getpid()))
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.01)

def crashes(job):
    if job.attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return "second time"

def reports(job):
    job.progress(0.5, "half")
    return None

def short(job):
    time.sleep(0.02)

def patient(job):
    if not Path("once").exists():
        Path("once").touch()
        return job.snooze(60)
    return "now"

def obsolete(job):
    raise JobCancelled("not any more")

def store(job):
    with job.transaction():
        pass

def set_up(kernel):
    kernel.jobs.worker("hangs", process=True)(hangs)
"""

#: Seconds after which what should have happened is taken for stuck.
PATIENCE = 60.0

WaitUntil = Callable[[Callable[[], bool]], None]

DAY = 86_400_000_000


@pytest.fixture
def work(alone: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A module with workers, as it stands in the working directory."""
    Path("processwork.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(Path.cwd()))
    import processwork

    yield processwork
    del sys.modules["processwork"]


@pytest.fixture
def kernel(work: Any) -> Iterator[Kernel]:
    with Kernel.from_profile() as kernel:
        yield kernel


def ran(kernel: Kernel, worker: Any, *, days: int = 0, **options: Any) -> JobInfo:
    """The job of that worker after it ran, and again after a day for each of `days`."""
    kernel.jobs.worker(worker.__name__, process=True, **options)(worker)
    id = kernel.jobs.enqueue(worker.__name__, {"n": 1})
    kernel.jobs.run_until_idle()
    for _ in range(days):
        later = kernel.clock() + DAY
        kernel.clock = lambda moment=later: moment
        kernel.jobs.run_until_idle()
    return known(kernel, id)


def known(kernel: Kernel, id: str) -> JobInfo:
    info = kernel.jobs.get(id)
    assert info is not None
    return info


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text()


def test_a_job_runs_elsewhere_and_the_process_is_used_again(kernel: Kernel, work: Any) -> None:
    kernel.jobs.worker("where", process=True)(work.where)
    ids = [kernel.jobs.enqueue("where", {"n": n}) for n in range(12)]
    kernel.jobs.run_until_idle()
    results = [known(kernel, id).result for id in ids]
    assert [(one["data"], one["attempt"], one["queue"]) for one in results] == [
        ({"n": n}, 1, "default") for n in range(12)
    ]
    pids = {one["pid"] for one in results}
    assert len(pids) <= 4  # the profile's number of workers
    assert os.getpid() not in pids
    assert all(map(is_gone, pids))


def test_async_functions_run_there_too(kernel: Kernel, work: Any) -> None:
    assert ran(kernel, work.later).result == "later"


@pytest.mark.parametrize(("name", "error"), [("fails", "ValueError: no good"), ("leaves", "SystemExit: 3")])
def test_what_is_raised_there_is_kept(kernel: Kernel, work: Any, name: str, error: str) -> None:
    info = ran(kernel, getattr(work, name))
    assert (info.state, info.error) == ("dead", error)


def test_a_process_that_hangs_is_killed_and_its_job_retried_then_dead(kernel: Kernel, work: Any) -> None:
    kernel.jobs.worker("quick")(lambda job: "quick")
    quick = kernel.jobs.enqueue("quick")
    info = ran(kernel, work.hangs, retries=1, timeout=0.3, days=1)
    assert (info.state, info.attempts) == ("dead", 2)
    assert info.error == "TimeoutError: the attempt took longer than its timeout, 0.3 seconds"
    pids = [int(Path(f"hung{attempt}").read_text()) for attempt in (1, 2)]
    assert pids[0] != pids[1]
    assert all(map(is_gone, pids))
    assert known(kernel, quick).state == "done"


def test_a_process_that_crashes_is_replaced_and_its_job_retried(kernel: Kernel, work: Any) -> None:
    info = ran(kernel, work.crashes, retries=1, days=1)
    assert (info.state, info.attempts, info.result) == ("done", 2, "second time")
    assert [failure.error for failure in info.failures] == [
        "JobError: its process ended before it was done, with exit code -9"
    ]


def test_processes_that_are_killed_at_random_lose_no_job(kernel: Kernel, work: Any) -> None:
    seed = int(os.environ.get("EVENTLITE_TEST_SEED", "0")) or random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")
    chance, stop = random.Random(seed), Event()
    jobs, kills = (400, 60) if os.environ.get("EVENTLITE_TEST_LONG") == "1" else (60, 12)

    def kill_some() -> None:
        for _ in range(kills):
            if stop.wait(chance.uniform(0, 0.15)):
                return
            for child in chance.sample(children := active_children(), min(1, len(children))):
                child.kill()

    kernel.jobs.worker("short", retries=500, process=True)(work.short)
    for _ in range(jobs):
        kernel.jobs.enqueue("short")
    killer = Thread(target=kill_some)
    killer.start()
    while kernel.jobs.stats()["pending"]:
        kernel.jobs.run_until_idle()
        later = kernel.clock() + DAY
        kernel.clock = lambda moment=later: moment
    stop.set()
    killer.join(PATIENCE)
    done = kernel.jobs.list(limit=1000)
    assert [job.state for job in done] == ["done"] * jobs
    assert any(job.failures for job in done)
    assert all(len(job.failures[-20:]) == min(20, job.attempts - 1) for job in done)
    assert {failure.error for job in done for failure in job.failures} <= {
        "JobError: its process ended before it was done, with exit code -9"
    }


def test_a_cancelled_job_ends_with_its_process(kernel: Kernel, work: Any, wait_until: WaitUntil) -> None:
    kernel.jobs.worker("hangs", process=True)(work.hangs)
    id = kernel.jobs.enqueue("hangs")
    runner = Thread(target=kernel.jobs.run_until_idle)
    runner.start()
    wait_until(lambda: Path("hung1").exists() and Path("hung1").read_text() != "")
    assert kernel.jobs.cancel(id) is True
    runner.join(PATIENCE)
    assert (runner.is_alive(), known(kernel, id).state) == (False, "cancelled")
    assert is_gone(int(Path("hung1").read_text()))


def test_progress_snoozing_and_cancelling_work_from_there(kernel: Kernel, work: Any) -> None:
    assert ran(kernel, work.reports).progress == (0.5, "half")
    assert ran(kernel, work.obsolete).state == "cancelled"
    info = ran(kernel, work.patient, days=1)
    assert (info.state, info.attempts, info.result) == ("done", 1, "now")


def test_there_is_no_transaction_there(kernel: Kernel, work: Any) -> None:
    assert "no transaction" in (ran(kernel, work.store).error or "")


def test_a_function_that_another_process_cannot_import_is_refused(kernel: Kernel) -> None:
    def inner(_job: Any) -> None: ...

    for function in (inner, lambda _job: None):
        with pytest.raises(JobError, match="cannot import"):
            kernel.jobs.worker("inner", process=True)(function)


@pytest.fixture
def worker_process(work: Any, wait_until: WaitUntil) -> Iterator[subprocess.Popen[bytes]]:
    """`eventlite jobs work`, with a job that hangs in a process of its own."""
    with Kernel.from_profile() as kernel:
        kernel.jobs.enqueue("hangs")
    command = [sys.executable, "-m", "eventlite", "jobs", "work", "--app", "processwork:set_up"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wait_until(lambda: Path("hung1").exists() and Path("hung1").read_text() != "")
    yield process
    process.kill()
    process.wait()


def test_no_process_outlives_a_worker_that_was_killed(
    worker_process: subprocess.Popen[bytes], wait_until: WaitUntil
) -> None:
    worker_process.kill()
    wait_until(lambda: is_gone(int(Path("hung1").read_text())))


def test_stopping_now_kills_what_hangs_and_puts_its_job_back(worker_process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        worker_process.send_signal(number)
    assert worker_process.wait(PATIENCE) == 130
    assert is_gone(int(Path("hung1").read_text()))
    with Kernel.from_profile() as kernel:
        assert [(job.state, job.attempts) for job in kernel.jobs.list()] == [("pending", 1)]
