"""`jobs work` and `jobs run`: a process of its own that works on a store, and how signals end it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from eventlite import Kernel

APP = """
import time
from pathlib import Path

def set_up(kernel):
    @kernel.jobs.worker("note", retries=1)
    def note(job):
        with open("noted", "a") as noted:
            noted.write(f"{job.data['n']}\\n")

    @kernel.jobs.worker("slow", retries=1)
    def slow(job):
        Path(f"begun{job.attempt}").touch()
        while not Path("release").exists():
            time.sleep(0.01)

    kernel.jobs.on_event("placed", "note", lambda event: event.data, after=0)
"""

#: Seconds after which a process that should have done something is taken for stuck.
PATIENCE = 30.0

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def _app() -> None:
    Path("shop.py").write_text(APP, encoding="utf-8")


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `jobs work` as a process; those that still run at the end are killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "eventlite", "jobs", "work", "--app", "shop:set_up", *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_until(true: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_until_it_listens(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    assert "Working on all queues" in process.stderr.readline()


def noted() -> list[str]:
    return Path("noted").read_text().split() if Path("noted").exists() else []


def state_of(id: str) -> tuple[str, int]:
    with Kernel.from_profile() as kernel:
        info = kernel.jobs.get(id)
        assert info is not None
        return info.state, info.attempts


def enqueue(job: str, queue: str = "default", **data: int) -> str:
    with Kernel.from_profile() as kernel:
        return kernel.jobs.enqueue(job, data, queue=queue)


def test_sigterm_drains(start: Start) -> None:
    id, later = enqueue("slow"), enqueue("note", n=1)
    process = start("--concurrency", "1", "--json")
    wait_until(Path("begun1").exists, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.2)  # the signal is on its way; a job that is released sooner would be just as well
    Path("release").touch()
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, json.loads(out)) == (0, {"attempts": 1}), err
    assert (state_of(id), state_of(later)) == (("done", 1), ("pending", 0))


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_second_signal_stops_now_and_puts_jobs_back(start: Start, second: signal.Signals) -> None:
    id = enqueue("slow")
    process = start()
    wait_until(Path("begun1").exists, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(0.1)  # two equal signals that wait for one process become one
    process.send_signal(second)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, err
    assert state_of(id) == ("pending", 1)
    again = start()
    wait_until(Path("begun2").exists, again)
    Path("release").touch()
    wait_until(lambda: state_of(id) == ("done", 2), again)


def test_a_grace_puts_back_what_is_not_done_by_then(start: Start) -> None:
    id = enqueue("slow")
    process = start("--grace", "0.1")
    wait_until(Path("begun1").exists, process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    assert state_of(id) == ("pending", 1)


def test_interrupting_an_idle_worker(start: Start) -> None:
    process = start()
    wait_until_it_listens(process)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "0 attempts\n")


def test_it_works_on_the_queues_that_are_named_and_on_events(start: Start) -> None:
    left = enqueue("note", n=1)
    for queue in ("a", "b"):
        enqueue("note", queue, n=2)
    process = start("--queues", "a, b")
    wait_until(lambda: noted() == ["2", "2"], process)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    assert state_of(left) == ("pending", 0)


def test_several_processes_work_on_one_store_that_is_not_there_yet(start: Start) -> None:
    workers = [start(), start()]
    for worker in workers:
        wait_until_it_listens(worker)
    with Kernel.from_profile() as kernel:
        for n in range(40):
            kernel.append("placed", {"n": n})
    wait_until(lambda: len(noted()) >= 40, workers[0])
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    for worker in workers:
        _, err = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0, err
    assert sorted(map(int, noted())) == list(range(40))


def test_the_job_of_a_killed_worker_runs_again_elsewhere(start: Start) -> None:
    Path("quick.toml").write_text('[profile]\nextends = "balanced"\n[jobs]\nlease = 0.5\n', encoding="utf-8")
    id = enqueue("slow")
    first = start("--profile", "quick.toml")
    wait_until(Path("begun1").exists, first)
    first.kill()
    first.communicate()
    second = start("--profile", "quick.toml")
    wait_until(Path("begun2").exists, second)
    Path("release").touch()
    wait_until(lambda: state_of(id) == ("done", 2), second)


def test_run_ends_when_nothing_is_due(run: Callable[..., Result]) -> None:
    with Kernel.from_profile() as kernel:
        kernel.append("placed", {"n": 7})
        kernel.jobs.enqueue("note", {"n": 8})
        kernel.jobs.enqueue("note", {"n": 9}, delay=3600)
    result = run("jobs", "run", "--app", "shop:set_up", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"attempts": 2}), result.stderr
    assert sorted(noted()) == ["7", "8"]
    assert run("jobs", "run", "--app", "shop:set_up", "--db", "none.db").exit_code == 3


def test_a_dispatcher_without_a_work_loop_says_so(run: Callable[..., Result]) -> None:
    Path("threads.toml").write_text('[profile]\nextends = "balanced"\n[jobs]\nplugin = "threads"\n', encoding="utf-8")
    result = run("jobs", "work", "--app", "shop:set_up", "--profile", "threads.toml")
    assert result.exit_code == 1
    assert "work_loop" in result.stderr


def test_the_signal_handlers_are_put_back(run: Callable[..., Result]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    Path("ender.py").write_text(
        "import os, signal\n"
        "def set_up(kernel):\n"
        "    kernel.jobs.worker('end')(lambda job: os.kill(os.getpid(), signal.SIGTERM))\n"
        "    kernel.jobs.enqueue('end')\n",
        encoding="utf-8",
    )
    result = run("jobs", "work", "--app", "ender:set_up")
    assert (result.exit_code, result.stdout) == (0, "1 attempt\n"), result.stderr
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


def test_the_jobs_of_a_postgres_store(
    run: Callable[..., Result], start: Start, postgres: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in postgres.items():
        monkeypatch.setenv(f"EVENTLITE_STORAGE__{name.upper()}", value)
    with Kernel.from_profile("postgres") as kernel:
        kernel.jobs.enqueue("note", {"n": 1})
        kernel.jobs.enqueue("unknown")
    process = start("--profile", "postgres")
    wait_until(lambda: noted() == ["1"], process)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    for arguments in ("list", "stats", "pause default", "cancel 2", "retry 2", "dead", "prune --history 0"):
        result = run("jobs", *arguments.split(), "--profile", "postgres", "--json")
        assert result.exit_code == 0, result.stderr
    states = [job["state"] for job in json.loads(run("jobs", "list", "--profile", "postgres", "--json").stdout)]
    assert states == ["pending"]
