"""Jobs whose workers die, hang, stop or come too late: none is lost, and their transactions happen once."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from eventlite_jobs.durable import claiming
from eventlite_jobs.durable.dialects import SQLITE
from eventlite_jobs.durable.session import Session

from eventlite import Kernel, NewEvent, Query, SchemaVersionError

#: Seconds within which whatever should come has come.
PATIENCE = 60.0

#: A process that works on jobs until it is killed or stopped. A job `append` does its work in its own transaction;
#: a job `mark` writes a line into a file, which no transaction undoes.
WORKER = """
import json, os, signal, sys, threading, time
from eventlite import Kernel, NewEvent
store, marks, pause = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3])
stop = threading.Event()
with Kernel.from_profile(storage=store, jobs={"lease": 0.5, "workers": 4}) as kernel:
    @kernel.jobs.worker("append", retries=1000)
    def append(job):
        time.sleep(pause)
        with job.transaction() as transaction:
            transaction.append(kernel.prepare([NewEvent("did", job.data)]))
        time.sleep(pause / 4)

    @kernel.jobs.worker("mark", retries=1000)
    def mark(job):
        line = os.open(marks, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(line, f"{job.data['n']} {job.attempt}\\n".encode())
        os.close(line)
        time.sleep(pause)

    signalled = []
    def on_signal(*_):
        signalled.append(1)
        stop.set() if len(signalled) == 1 else kernel.jobs.stop_now()
    signal.signal(signal.SIGTERM, on_signal)
    print("ready", flush=True)
    kernel.jobs.work(stop)
print("ended", flush=True)
"""


@pytest.fixture
def kernel(open_kernel: Callable[..., Kernel], path: Path) -> Kernel:
    return open_kernel(path, synchronous="normal")


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, path: Path) -> dict[str, Any]:
    """The section of a store that several processes share."""
    if request.param == "sqlite":
        return {"path": str(path), "synchronous": "normal"}
    return {"plugin": "postgres", **request.getfixturevalue("postgres")}


@pytest.fixture
def shared(store: dict[str, Any]) -> Iterator[Kernel]:
    """A kernel on it, beside those of the workers."""
    with Kernel.from_profile(storage=store) as kernel:
        yield kernel


@pytest.fixture
def moved(kernel: Kernel) -> Callable[[float], None]:
    """Stop the kernel's clock; call it to move the clock by so many seconds."""
    moment = [kernel.clock()]
    kernel.clock = lambda: moment[0]

    def move(seconds: float) -> None:
        moment[0] += round(seconds * 1_000_000)

    return move


@pytest.fixture
def busy(kernel: Kernel, path: Path) -> Iterator[Kernel]:
    """Another one, with one worker: were a second free, it might be the quickest to take a lost job back."""
    with Kernel.from_profile(storage={"path": str(path)}, jobs={"workers": 1}) as opened:
        opened.clock = lambda: kernel.clock()
        yield opened


def unfinished(kernel: Kernel) -> int:
    stats = kernel.jobs.stats()
    return stats["pending"] + stats["running"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("pause", "many"), [(0.02, 1), (0.0005, 4)], ids=["slow", "quick, claimed ahead"])
def test_workers_killed_at_random_moments_lose_no_job_and_do_nothing_in_a_transaction_twice(
    start, shared: Kernel, store: dict[str, Any], tmp_path: Path, dice, long: bool, pause: float, many: int, wait_until
) -> None:
    kernel = shared
    jobs, kills = (2000 * many, 25) if long else (300 * many, 5)
    marks = tmp_path / "marks"
    ids = {name: kernel.jobs.enqueue_many(name, [{"n": n} for n in range(jobs // 2)]) for name in ("append", "mark")}
    workers = [start(WORKER, json.dumps(store), marks, pause) for _ in range(2)]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n"
    for _ in range(kills):
        time.sleep(dice.uniform(0.01, 0.3))
        victim = dice.randrange(2)
        workers[victim].send_signal(signal.SIGKILL)
        workers[victim].wait(PATIENCE)
        workers[victim] = start(WORKER, json.dumps(store), marks, pause)
        assert workers[victim].stdout.readline() == "ready\n"
    wait_until(lambda: unfinished(kernel) == 0)
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        assert worker.communicate(timeout=PATIENCE)[0] == "ended\n"
    assert kernel.jobs.stats() == {"pending": 0, "running": 0, "done": jobs, "dead": 0, "cancelled": 0, "total": jobs}
    done = Counter(event.data["n"] for event in kernel.read(Query(cmd="did")))
    assert done == Counter(range(jobs // 2)), "a transactional effect was lost or done twice"
    attempts = {job.data["n"]: job.attempts for job in map(kernel.jobs.get, ids["mark"])}
    marked = Counter(int(line.split()[0]) for line in marks.read_text().splitlines())
    assert set(marked) == set(range(jobs // 2)), "a job was lost"
    assert all(count <= attempts[n] for n, count in marked.items()), "a job ran more often than its attempts say"
    killed = sum(job.attempts > 1 for name in ids for job in map(kernel.jobs.get, ids[name]))
    print(f"{kills} kills, {killed} of {jobs} jobs ran more than once, {sum(marked.values()) - jobs // 2} marks twice")


def test_sigterm_finishes_what_runs_and_begins_nothing_more(
    start, shared: Kernel, store: dict[str, Any], tmp_path: Path, wait_until
) -> None:
    kernel = shared
    ids = kernel.jobs.enqueue_many("mark", [{"n": n} for n in range(12)])
    worker = start(WORKER, json.dumps(store), tmp_path / "marks", 0.5)
    wait_until(lambda: kernel.jobs.stats()["running"] == 4)
    worker.send_signal(signal.SIGTERM)
    assert worker.communicate(timeout=PATIENCE)[0] == "ready\nended\n"
    states = Counter(job.state for job in map(kernel.jobs.get, ids))
    assert states["running"] == 0
    assert states["done"] in (4, 8)
    assert all(job.attempts == 0 for job in map(kernel.jobs.get, ids) if job.state == "pending")


def test_a_second_sigterm_puts_running_jobs_back_at_once(
    start, shared: Kernel, store: dict[str, Any], tmp_path: Path, wait_until
) -> None:
    kernel = shared
    ids = kernel.jobs.enqueue_many("mark", [{"n": n} for n in range(4)])
    worker = start(WORKER, json.dumps(store), tmp_path / "marks", 10 * PATIENCE)
    wait_until(lambda: kernel.jobs.stats()["running"] == 4)
    worker.send_signal(signal.SIGTERM)
    time.sleep(0.2)  # the two would be one otherwise
    worker.send_signal(signal.SIGTERM)
    assert worker.communicate(timeout=PATIENCE)[0] == "ready\nended\n"
    assert [(job.state, job.attempts) for job in map(kernel.jobs.get, ids)] == [("pending", 1)] * 4


def test_a_worker_in_another_process_is_woken_by_an_enqueue(
    start, shared: Kernel, store: dict[str, Any], tmp_path: Path, wait_until
) -> None:
    kernel = shared
    kernel.jobs.stats()
    worker = start(WORKER, json.dumps(store), tmp_path / "marks", 0)
    assert worker.stdout.readline() == "ready\n"
    id = kernel.jobs.enqueue("append", {"n": 1})
    wait_until(lambda: kernel.jobs.get(id).state == "done")
    assert [event.data for event in kernel.read()] == [{"n": 1}]


def test_processes_that_create_the_tables_at_once_agree(start, path: Path, open_kernel: Callable[..., Kernel]) -> None:
    enqueue = """
import sys
from eventlite import Kernel
with Kernel.from_profile(storage={"path": sys.argv[1]}) as kernel:
    print("ready", flush=True)
    sys.stdin.readline()
    print(kernel.jobs.enqueue("note"), flush=True)
"""
    kernel = open_kernel(path)
    processes = [start(enqueue, path) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    ids = {process.stdout.readline().strip() for process in processes}
    assert ids == {job.id for job in kernel.jobs.list()}
    assert len(ids) == 4


def test_a_late_outcome_of_a_lost_lease_is_refused(
    kernel: Kernel, busy: Kernel, moved: Callable[[float], None], caplog: pytest.LogCaptureFixture
) -> None:
    begun, released = threading.Event(), threading.Event()

    @busy.jobs.worker("slow", retries=1)
    def slow(_job: Any) -> str:
        begun.set()
        released.wait(PATIENCE)
        return "late"

    kernel.jobs.worker("slow", retries=1)(lambda _job: "in time")
    id = kernel.jobs.enqueue("slow")
    runner = threading.Thread(target=busy.jobs.run_until_idle)
    runner.start()
    assert begun.wait(PATIENCE)
    moved(31)  # the default lease is 30 seconds
    assert kernel.jobs.run_until_idle() == 1
    released.set()
    runner.join(PATIENCE)
    assert (kernel.jobs.get(id).result, kernel.jobs.get(id).attempts) == ("in time", 2)
    assert "too late" in caplog.text


def test_a_slow_job_keeps_its_lease_as_long_as_its_worker_lives(open_kernel: Callable[..., Kernel], path: Path) -> None:
    with Kernel.from_profile(storage={"path": str(path)}, jobs={"lease": 0.2}) as kernel:
        other = open_kernel(path)
        begun, released = threading.Event(), threading.Event()
        kernel.jobs.worker("slow")(lambda _job: bool(begun.set() or released.wait(PATIENCE)))
        other.jobs.worker("slow")(lambda _job: "twice")
        id = kernel.jobs.enqueue("slow")
        runner = threading.Thread(target=kernel.jobs.run_until_idle)
        runner.start()
        assert begun.wait(PATIENCE)
        for _ in range(10):  # five leases
            time.sleep(0.1)
            assert other.jobs.run_until_idle() == 0
        released.set()
        runner.join(PATIENCE)
        assert (kernel.jobs.get(id).state, kernel.jobs.get(id).attempts) == ("done", 1)


def test_after_the_clock_was_set_back_a_dead_worker_is_not_waited_for(
    kernel: Kernel, busy: Kernel, moved: Callable[[float], None]
) -> None:
    begun, released = threading.Event(), threading.Event()
    busy.jobs.worker("slow", retries=1)(lambda _job: bool(begun.set() or released.wait(PATIENCE)))
    kernel.jobs.worker("slow", retries=1)(lambda _job: "again")
    id = kernel.jobs.enqueue("slow")
    runner = threading.Thread(target=busy.jobs.run_until_idle)
    runner.start()
    assert begun.wait(PATIENCE)
    moved(-3600)
    assert kernel.jobs.run_until_idle() == 1
    released.set()
    runner.join(PATIENCE)
    assert kernel.jobs.get(id).result == "again"


def test_unknown_and_poison_jobs_are_retried_then_dead_and_the_queue_goes_on(
    kernel: Kernel, moved: Callable[[float], None]
) -> None:
    ran: list[int] = []

    @kernel.jobs.worker("poison", retries=2)
    def poison(_job: Any) -> None:
        raise ValueError("bad payload")

    kernel.jobs.worker("fine")(lambda job: ran.append(job.data["n"]))
    unknown, poisoned = kernel.jobs.enqueue("unknwon", priority=9), kernel.jobs.enqueue("poison", priority=9)
    for n in range(3):
        kernel.jobs.enqueue("fine", {"n": n})
    for _ in range(12):
        kernel.jobs.run_until_idle()
        moved(3600)
    assert sorted(ran) == [0, 1, 2]
    assert (kernel.jobs.get(poisoned).state, kernel.jobs.get(poisoned).attempts) == ("dead", 3)
    dead = kernel.jobs.get(unknown)
    assert (dead.state, dead.attempts, len(dead.failures)) == ("dead", 10, 10)
    assert "no worker named 'unknwon'" in dead.error


def test_an_event_rolled_back_makes_no_job_and_a_committed_one_exactly_one(kernel: Kernel) -> None:
    for name, inline in (("follow", False), ("inline", True)):
        kernel.jobs.worker(name)(lambda _job: None)
        kernel.jobs.on_event("placed", name, lambda event: event.data, inline=inline)
    with pytest.raises(ZeroDivisionError), kernel.transaction() as transaction:
        transaction.append(kernel.prepare([NewEvent("placed", {"n": 1})]))
        kernel.jobs.enqueue("follow", {"n": 1}, transaction=transaction)
        raise ZeroDivisionError
    kernel.run_until_idle()
    assert kernel.jobs.stats()["total"] == 0
    kernel.append("placed", {"n": 2})
    kernel.run_until_idle()
    assert sorted((job.name, job.data["n"]) for job in kernel.jobs.list()) == [("follow", 2), ("inline", 2)]


def test_claiming_walks_an_index_however_many_jobs_are_finished(kernel: Kernel) -> None:
    kernel.jobs.enqueue("note")
    share = claiming.Share("default", 8)
    session = Session(None, SQLITE)
    plans = [
        ("job_ready", *claiming._chosen(session, [share, share], 8)),
        ("job_ready", *claiming._chosen(session, [share], 8, claiming._NEVER_RAN)),
        ("job_scheduled", claiming._DUE, (1, 1)),
        ("job_scheduled", claiming._NEXT, ()),
        ("job_running", claiming._ANY_EXPIRED, (1, 1)),
    ]
    with kernel.storage.snapshot() as snapshot:
        for index, text, values in plans:
            plan = [row[3] for row in snapshot.connection.execute(SQLITE.text(f"EXPLAIN QUERY PLAN {text}"), values)]
            looks = [line for line in plan if " job" in line]
            assert looks
            assert all(f"INDEX {index}" in line for line in looks), plan


def test_a_read_only_store_shows_its_jobs_and_refuses_new_ones(
    path: Path, public_dir: Path, run_unprivileged: Callable[..., str]
) -> None:
    file = public_dir / "events.db"
    with Kernel.from_profile(storage={"path": str(file)}) as kernel:
        kernel.append("placed")
    file.chmod(0o444)
    public_dir.chmod(0o555)
    look = """
with Kernel.from_profile(storage={"path": sys.argv[1]}) as kernel:
    assert kernel.jobs.stats()["total"] == 0 and kernel.jobs.list() == [] and kernel.jobs.get("1") is None
    assert kernel.jobs.run_until_idle() == 0
    try:
        kernel.jobs.enqueue("note")
    except StoreReadOnlyError:
        print("refused")
"""
    assert run_unprivileged(look, file) == "refused\n"


def test_tables_of_a_newer_version_are_left_alone(
    kernel: Kernel, open_kernel: Callable[..., Kernel], path: Path
) -> None:
    kernel.jobs.enqueue("note")
    with kernel.transaction() as transaction:
        transaction.connection.execute("UPDATE job_schema SET version = 99")
    for use in ("stats", "run_until_idle"):
        with pytest.raises(SchemaVersionError, match="99"):
            getattr(open_kernel(path).jobs, use)()
    with pytest.raises(SchemaVersionError, match="99"):
        open_kernel(path).jobs.enqueue("note")


# Recurring jobs and the clock.


@pytest.fixture
def at(kernel: Kernel) -> Callable[[datetime], None]:
    """Set the kernel's clock."""

    def at(moment: datetime) -> None:
        kernel.clock = lambda: round(moment.timestamp() * 1_000_000)

    return at


@pytest.mark.parametrize(
    ("cron", "start", "expected"),
    [
        # 2:30 does not exist on 2025-03-30: it is due at 3:00.
        ("30 2 * * *", datetime(2025, 3, 29, 12), ["2025-03-30 03:00", "2025-03-31 02:30"]),
        # 2:30 comes twice on 2025-10-26: it is due once.
        ("30 2 * * *", datetime(2025, 10, 25, 12), ["2025-10-26 02:30", "2025-10-27 02:30"]),
        ("0 * * * *", datetime(2025, 10, 26, 0, 30), ["2025-10-26 01:00", "2025-10-26 02:00", "2025-10-26 02:00"]),
    ],
)
def test_recurring_jobs_across_a_change_of_the_clocks(
    kernel: Kernel, at: Callable[[datetime], None], cron: str, start: datetime, expected: list[str]
) -> None:
    zone, ran = ZoneInfo("Europe/Berlin"), list[str]()
    moment = start.replace(tzinfo=zone).astimezone(UTC)
    at(moment)
    kernel.jobs.worker("report")(
        lambda _job: ran.append(datetime.fromtimestamp(kernel.clock() / 1e6, zone).strftime("%Y-%m-%d %H:%M"))
    )
    kernel.jobs.recurring("report", cron=cron, timezone="Europe/Berlin")
    for _ in range(5000):
        moment += timedelta(minutes=10)
        at(moment)
        kernel.jobs.run_until_idle()
        if len(ran) == len(expected):
            break
    assert ran == expected


def test_of_an_hour_of_downtime_one_occurrence_is_made_up_for(
    kernel: Kernel, open_kernel: Callable[..., Kernel], path: Path, moved: Callable[[float], None]
) -> None:
    ran: list[str] = []
    kernel.jobs.recurring("tick", cron="*/5 * * * *")
    moved(3600)
    after = open_kernel(path)
    after.clock = lambda: kernel.clock()
    after.jobs.worker("tick")(lambda job: ran.append(job.id))
    after.jobs.recurring("tick", cron="*/5 * * * *")
    after.jobs.run_until_idle()
    assert len(ran) == 1
    moved(300)
    after.jobs.run_until_idle()
    assert len(ran) == 2


def test_no_priority_starves_another(path: Path) -> None:
    ran: list[int] = []
    with Kernel.from_profile(storage={"path": str(path)}, jobs={"workers": 1}) as kernel:
        moment = [kernel.clock()]
        kernel.clock = lambda: moment[0]

        @kernel.jobs.worker("urgent")
        def urgent(_job: Any) -> None:
            ran.append(5)
            moment[0] += 60_000_000
            if 0 not in ran and len(ran) < 1000:  # every urgent job makes the next one
                kernel.jobs.enqueue("urgent", priority=5)

        kernel.jobs.worker("patient")(lambda _job: ran.append(0))
        kernel.jobs.enqueue("patient")
        kernel.jobs.enqueue("urgent", priority=5)
        kernel.jobs.run_until_idle()
    assert ran.index(0) == 50  # five levels of priority are worth fifty minutes
