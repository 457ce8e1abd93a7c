"""The dispatcher on a real PostgreSQL server; time passes in the database, whose `now()` the tests can move."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from click.testing import CliRunner, Result
from eventlite_jobs.procrastinate import CONTRACT, ProcrastinateDispatcher, Settings, eventlite_make_jobs
from eventlite_postgres.testing import drop_schema
from procrastinate import App, PsycopgConnector
from psycopg.conninfo import make_conninfo

from eventlite import JobError, Kernel, NewEvent, Query
from eventlite.contracts import CONTRACTS, Host, JobDispatcher, JobInfo, Storage
from eventlite.testing import JobDispatcherContract
from eventlite.testing.host import StorageHost, open_storage
from eventlite.testing.jobs_base import JobSuite
from eventlite.testing.jobs_durability import DurabilityContract
from eventlite.testing.jobs_transactions import JobTransactionsContract

WaitUntil = Callable[[Callable[[], bool]], None]

#: A `now()` that is found before PostgreSQL's own, and goes ahead of it by what the table says.
CLOCK = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.ahead (by interval NOT NULL);
INSERT INTO {schema}.ahead VALUES ('0');
CREATE FUNCTION {schema}.now() RETURNS timestamptz STABLE LANGUAGE sql
AS 'SELECT pg_catalog.now() + by FROM {schema}.ahead';
"""


@pytest.fixture
def moved_dsn(postgres_server: str) -> Iterator[str]:
    """How to reach a schema of this test's own, whose time can be moved."""
    schema = f"test_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(CLOCK.format(schema=schema).encode())
    yield make_conninfo(postgres_server, options=f"-c search_path={schema},pg_catalog")
    drop_schema(postgres_server, schema)


class OfProcrastinate(JobSuite):
    @pytest.fixture
    def dispatcher(self, host: Host, workers: int, settings: dict[str, Any]) -> Iterator[JobDispatcher]:
        with closing(ProcrastinateDispatcher(host, Settings(workers=workers, **settings))) as dispatcher:
            yield dispatcher

    @pytest.fixture
    def reopen(self, host: Host, settings: dict[str, Any]) -> Callable[[], JobDispatcher]:
        return lambda: ProcrastinateDispatcher(host, Settings(workers=1, **settings))

    @pytest.fixture
    def advance(self, moved_dsn: str) -> Callable[[float], None]:
        def advance(seconds: float) -> None:
            with psycopg.connect(moved_dsn) as connection:
                connection.execute("UPDATE ahead SET by = by + make_interval(secs => %s)", (seconds,))

        return advance


class TestProcrastinate(OfProcrastinate, JobDispatcherContract):
    """In the database of the store."""

    covers = "jobs:procrastinate"

    @pytest.fixture
    def storage(self, moved_dsn: str) -> Iterator[Storage]:
        with closing(open_storage("postgres", dsn=moved_dsn)) as storage:
            yield storage

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"poll": 0.05}


class TestProcrastinateBesideAFile(OfProcrastinate, JobTransactionsContract, DurabilityContract):
    """With a DSN of its own, beside a store that is elsewhere: what that changes."""

    covers: Any = "a database of its own"

    @pytest.fixture
    def settings(self, moved_dsn: str) -> dict[str, Any]:
        return {"dsn": moved_dsn, "poll": 0.05}


@pytest.fixture
def store(moved_dsn: str) -> Iterator[Storage]:
    with closing(open_storage("postgres", dsn=moved_dsn)) as storage:
        yield storage


@pytest.fixture
def dispatcher(store: Storage) -> Iterator[ProcrastinateDispatcher]:
    with closing(ProcrastinateDispatcher(StorageHost(store), Settings(workers=2, poll=0.05))) as dispatcher:
        yield dispatcher


def info(dispatcher: JobDispatcher, id: str) -> JobInfo:
    found = dispatcher.get(id)
    assert found is not None
    return found


# What it is made of.


def test_the_plugin_makes_a_dispatcher_of_its_settings(store: Storage) -> None:
    made = eventlite_make_jobs(Settings(), StorageHost(store))
    assert made is not None
    assert made.capabilities.transactional
    made.close()
    assert CONTRACTS["jobs"] == CONTRACT
    assert all(field.description for field in Settings.model_fields.values())


def test_without_a_server_it_says_what_to_do(host: Host) -> None:
    with pytest.raises(JobError, match="dsn"):
        ProcrastinateDispatcher(host, Settings())


@pytest.mark.parametrize("dsn", ["host=/nowhere password=geheim", "postgres:/u:geheim@h", "pasword=geheim"])
def test_a_server_that_cannot_be_reached_is_told_without_its_password(host: Host, dsn: str) -> None:
    with closing(ProcrastinateDispatcher(host, Settings(dsn=dsn))) as dispatcher:
        with pytest.raises(JobError, match="dsn") as caught:
            dispatcher.enqueue("note")
        assert "geheim" not in str(caught.value)


def test_tables_are_not_created_where_they_must_not(host: Host, moved_dsn: str) -> None:
    dispatcher = ProcrastinateDispatcher(host, Settings(dsn=moved_dsn, create=False))
    with closing(dispatcher), pytest.raises(JobError, match="create = true"):
        dispatcher.stats()
    with psycopg.connect(moved_dsn) as connection:
        assert connection.execute("SELECT to_regclass('procrastinate_jobs')").fetchone() == (None,)


def test_of_many_that_come_first_one_creates_the_tables(host: Host, moved_dsn: str) -> None:
    dispatchers = [ProcrastinateDispatcher(host, Settings(dsn=moved_dsn)) for _ in range(4)]
    threads = [threading.Thread(target=dispatcher.enqueue, args=("note",)) for dispatcher in dispatchers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert dispatchers[0].stats()["pending"] == 4
    for dispatcher in dispatchers:
        dispatcher.close()


def test_tables_of_another_version_are_told(dispatcher: ProcrastinateDispatcher, moved_dsn: str) -> None:
    dispatcher.stats()
    with psycopg.connect(moved_dsn) as connection:
        connection.execute("ALTER FUNCTION procrastinate_defer_jobs_v1 RENAME TO procrastinate_defer_jobs_v9")
    with pytest.raises(JobError, match="migrations"):
        dispatcher.enqueue("note")


def test_jobs_in_a_schema_of_their_own_leave_the_store_its_own(postgres: dict[str, str]) -> None:
    jobs_schema = f"{postgres['schema']} jobs"
    with closing(open_storage("postgres", **postgres)) as storage:
        host = StorageHost(storage)
        with closing(ProcrastinateDispatcher(host, Settings(schema=jobs_schema))) as dispatcher:
            with host.transaction() as transaction:
                before = transaction.connection.execute("SHOW search_path").fetchone()
                id = dispatcher.enqueue("note", transaction=transaction)
                assert transaction.connection.execute("SHOW search_path").fetchone() == before
            assert info(dispatcher, id).state == "pending"
    with psycopg.connect(postgres["dsn"], autocommit=True) as connection:
        assert connection.execute(f'SELECT count(*) FROM "{jobs_schema}".procrastinate_jobs'.encode()).fetchone() == (
            1,
        )
    drop_schema(postgres["dsn"], jobs_schema)


def test_a_profile_names_it(postgres: dict[str, str]) -> None:
    with Kernel.from_profile("postgres", storage=postgres, jobs={"plugin": "procrastinate", "workers": 2}) as kernel:
        kernel.jobs.worker("greet")(lambda job: f"hello {job.data['to']}")
        kernel.jobs.on_event("userRegistered", "greet", lambda event: {"to": event.data["name"]}, inline=True)
        kernel.append("userRegistered", {"name": "ada"})
        assert kernel.jobs.run_until_idle() == 1
        assert [job.result for job in kernel.jobs.list()] == ["hello ada"]


# What is particular to the engine.


@pytest.mark.parametrize("data", [{"self": 1, "context": 2, "a b": [None, True, 1.0, "é\u2028"]}, {"n": 2**64 - 1}])
def test_any_data_comes_as_it_was(dispatcher: ProcrastinateDispatcher, data: dict[str, Any]) -> None:
    seen: list[Any] = []
    dispatcher.worker("note")(lambda job: seen.append(job.data))
    id = dispatcher.enqueue("note", data)
    dispatcher.run_until_idle()
    assert seen == [data] == [info(dispatcher, id).data]


def test_a_nul_character_is_refused(dispatcher: ProcrastinateDispatcher) -> None:
    with pytest.raises(JobError, match="NUL"):
        dispatcher.enqueue("note", {"text": "a\0b"})
    assert dispatcher.stats()["total"] == 0


def test_a_job_that_nobody_here_knows_is_put_off_not_buried(dispatcher: ProcrastinateDispatcher) -> None:
    dispatcher.worker("sendEmail")(lambda _job: None)
    id = dispatcher.enqueue("sendEmial")
    assert dispatcher.run_until_idle() == 1
    waiting = info(dispatcher, id)
    assert (waiting.state, waiting.attempts, waiting.max_attempts) == ("pending", 1, 10)
    assert "Did you mean 'sendEmail'?" in (waiting.error or "")


def test_tasks_of_an_application_of_procrastinate_and_workers_here_run_each_others_jobs(
    dispatcher: ProcrastinateDispatcher, moved_dsn: str
) -> None:
    seen: list[Any] = []
    dispatcher.worker("here")(lambda job: seen.append(job.data))
    there = dispatcher.enqueue("there", {"n": 2}, queue="theirs")

    async def run_theirs() -> None:
        app = App(connector=PsycopgConnector(conninfo=moved_dsn))
        app.task(name="there")(lambda n: seen.append(n))
        async with app.open_async():
            await app.configure_task("here").defer_async(n=1)
            await app.run_worker_async(queues=["theirs"], wait=False, install_signal_handlers=False)

    asyncio.run(run_theirs())
    assert dispatcher.run_until_idle() == 1
    assert (seen, info(dispatcher, there).state) == ([2, {"n": 1}], "done")


def test_only_the_queues_of_the_settings_are_worked_on(store: Storage) -> None:
    with closing(ProcrastinateDispatcher(StorageHost(store), Settings(queues=("mail",)))) as dispatcher:
        dispatcher.worker("note")(lambda job: job.queue)
        theirs, ours = dispatcher.enqueue("note", queue="theirs"), dispatcher.enqueue("note", queue="mail")
        assert dispatcher.run_until_idle() == 1
        assert (info(dispatcher, theirs).state, info(dispatcher, ours).result) == ("pending", "mail")
        found = [(queue.name, queue.pending) for queue in dispatcher.queues()]
        assert found == [("mail", 0), ("theirs", 1)]


def test_data_stays_out_of_logs(dispatcher: ProcrastinateDispatcher, caplog: pytest.LogCaptureFixture) -> None:
    @dispatcher.worker("poison")
    def poison(_job: Any) -> None:
        raise ValueError("and so does what is raised: geheim")

    dispatcher.enqueue("poison", {"password": "geheim"})
    with caplog.at_level(logging.INFO):
        dispatcher.run_until_idle()
    assert dispatcher.stats()["dead"] == 1
    assert "geheim" not in caplog.text


def test_a_handler_may_run_the_queue_and_close_the_dispatcher(dispatcher: ProcrastinateDispatcher) -> None:
    ran: list[int] = []

    @dispatcher.worker("outer")
    def outer(_job: Any) -> None:
        dispatcher.enqueue("inner")
        ran.append(dispatcher.run_until_idle())
        dispatcher.close()

    dispatcher.worker("inner")(lambda _job: None)
    dispatcher.enqueue("outer")
    ran.append(dispatcher.run_until_idle())
    assert sum(ran) == 2  # whichever of the two had `inner`
    with pytest.raises(JobError, match="closed"):
        dispatcher.run_until_idle()


def test_a_handler_that_raises_what_no_future_takes_is_no_obstacle(dispatcher: ProcrastinateDispatcher) -> None:
    @dispatcher.worker("odd")
    def odd(_job: Any) -> None:
        raise StopIteration("odd")

    id = dispatcher.enqueue("odd")
    assert dispatcher.run_until_idle() == 1
    assert info(dispatcher, id).error == "StopIteration: odd"


# Workers that are lost.

KILLED = """
import os, signal, sys
from contextlib import closing
from eventlite import NewEvent
from eventlite.testing.host import StorageHost, open_storage
from eventlite.testing.jobs_base import JobSuite
from eventlite.testing.jobs_durability import DurabilityContract
from eventlite.testing.jobs_transactions import JobTransactionsContract
from eventlite_jobs.procrastinate import ProcrastinateDispatcher, Settings

host = StorageHost(open_storage("postgres", dsn=sys.argv[1]))
dispatcher = ProcrastinateDispatcher(host, Settings(workers=1))

@dispatcher.worker("charge")
def charge(job):
    with job.transaction(result="charged") as transaction:
        transaction.append(host.prepare([NewEvent("charged", {"attempt": job.attempt})]))
    os.kill(os.getpid(), signal.SIGKILL)

@dispatcher.worker("killer", retries=1)
def killer(job):
    os.kill(os.getpid(), signal.SIGKILL)

dispatcher.run_until_idle()
"""


def test_a_killed_workers_jobs_run_again_or_are_dead_and_effects_in_their_transaction_happen_once(
    dispatcher: ProcrastinateDispatcher, store: Storage, moved_dsn: str, start: Callable[..., subprocess.Popen[str]]
) -> None:
    charge, killer = dispatcher.enqueue("charge", priority=1), dispatcher.enqueue("killer")
    for _ in range(3):  # killed after the commit of `charge`, and in both attempts of `killer`
        worker = start(KILLED, moved_dsn)
        assert worker.wait(60) == -signal.SIGKILL
        with psycopg.connect(moved_dsn) as connection:
            connection.execute("UPDATE ahead SET by = by + '1 day'")
    for name, retries in (("charge", 0), ("killer", 1)):
        dispatcher.worker(name, retries=retries)(lambda _job: pytest.fail("there is nothing left to do"))
    assert dispatcher.run_until_idle() == 0
    with psycopg.connect(moved_dsn) as connection:  # as a task of their own that puts stalled jobs back would do
        connection.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s", (charge,))
    assert dispatcher.run_until_idle() == 1
    assert [event[6] for event in store.read(Query(cmd="charged"), limit=9)] == ['{"attempt":1}']
    assert (info(dispatcher, charge).state, info(dispatcher, charge).result) == ("done", "charged")
    assert (info(dispatcher, killer).state, info(dispatcher, killer).attempts) == ("dead", 2)
    assert "lost" in (info(dispatcher, killer).error or "")


def test_a_job_about_to_be_done_in_its_transaction_is_not_taken_for_lost(
    store: Storage, moved_dsn: str, wait_until: WaitUntil
) -> None:
    host, begun, committing = StorageHost(store), threading.Event(), threading.Event()
    with (
        closing(ProcrastinateDispatcher(host, Settings())) as one,
        closing(ProcrastinateDispatcher(host, Settings())) as other,
    ):

        @one.worker("charge")
        def charge(job: Any) -> None:
            with job.transaction("charged") as transaction:
                transaction.append(host.prepare([NewEvent("charged")]))
                begun.set()
                committing.wait(20)

        other.worker("charge")(lambda _job: pytest.fail("it is not lost"))
        id = one.enqueue("charge")
        runner = threading.Thread(target=one.run_until_idle)
        runner.start()
        assert begun.wait(20)
        with psycopg.connect(moved_dsn, autocommit=True) as connection:
            connection.execute("UPDATE ahead SET by = by + '1 day'")  # so old is its heartbeat now
            taker = threading.Thread(target=other.run_until_idle)
            taker.start()
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
            wait_until(lambda: connection.execute(waiting).fetchone() != (0,))
        committing.set()
        for thread in (taker, runner):
            thread.join(20)
        assert (info(other, id).state, info(other, id).result, store.count(Query())) == ("done", "charged", 1)


def test_a_worker_that_is_alive_keeps_its_jobs(store: Storage) -> None:
    settings, begun, release = Settings(lease=1, poll=0.05), threading.Event(), threading.Event()
    with (
        closing(ProcrastinateDispatcher(StorageHost(store), settings)) as one,
        closing(ProcrastinateDispatcher(StorageHost(store), settings)) as other,
    ):
        ran: list[str] = []

        @one.worker("slow")
        def slow(_job: Any) -> None:
            begun.set()
            release.wait(20)
            ran.append("one")

        other.worker("slow")(lambda _job: ran.append("other"))
        one.enqueue("slow")
        runner = threading.Thread(target=one.run_until_idle)
        runner.start()
        assert begun.wait(20)
        threading.Event().wait(1.5)  # longer than the lease: only its heartbeats keep it
        assert other.run_until_idle() == 0
        release.set()
        runner.join(20)
        assert ran == ["one"]


def test_a_work_loop_follows_events_and_ends_with_its_database(store: Storage, moved_dsn: str) -> None:
    host = StorageHost(store)
    with closing(ProcrastinateDispatcher(host, Settings(poll=0.05))) as dispatcher:
        done, failures = threading.Event(), []
        dispatcher.worker("note")(lambda _job: done.set())
        dispatcher.on_event("placed", "note", lambda event: event.data)

        def work() -> None:
            try:
                dispatcher.work(threading.Event())
            except JobError as error:
                failures.append(error.message)

        thread = threading.Thread(target=work)
        thread.start()
        host.append_many([NewEvent("placed")])
        assert done.wait(20)
        with psycopg.connect(moved_dsn) as connection:
            connection.execute("DROP FUNCTION procrastinate_fetch_job_v2")
        thread.join(20)
        assert not thread.is_alive()
        assert "another version" in failures[0]


# On the command line.

SHOP = """
import time
from pathlib import Path

def set_up(kernel):
    @kernel.jobs.worker("slow")
    def slow(job):
        Path("begun").touch()
        while not Path("release").exists():
            time.sleep(0.01)
"""

PROFILE = """
[profile]
name = "shop"
description = "A shop."
extends = "postgres"

[jobs]
plugin = "procrastinate"
poll = 0.05
"""


@pytest.fixture
def shop(postgres: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a profile and an application."""
    (tmp_path / "shop.py").write_text(SHOP, encoding="utf-8")
    (tmp_path / "shop.toml").write_text(PROFILE, encoding="utf-8")
    for name, value in postgres.items():
        monkeypatch.setenv(f"EVENTLITE_STORAGE__{name.upper()}", value)
    monkeypatch.setenv("EVENTLITE_JOBS__SCHEMA", postgres["schema"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_commands_show_what_there_is_and_refuse_what_there_is_not(shop: Path) -> None:
    from eventlite.cli import cli

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(cli, ["jobs", *arguments, "--profile", "shop.toml", "--json"])

    with Kernel.from_profile("shop.toml") as kernel:
        id = kernel.jobs.enqueue("slow", queue="mail")
    stats = json.loads(run("stats").stdout)
    assert (stats["states"]["pending"], stats["queues"][0]["name"], stats["statistics"]) == (1, "mail", None)
    assert [job["id"] for job in json.loads(run("cancel", id).stdout)] == [id]
    refused = run("pause", "mail")
    assert refused.exit_code != 0
    assert "capability 'pausing'" in refused.stderr


def test_a_second_signal_has_running_jobs_waited_for(
    shop: Path, start: Callable[..., subprocess.Popen[str]], wait_until: WaitUntil
) -> None:
    with Kernel.from_profile("shop.toml") as kernel:
        ids = kernel.jobs.enqueue_many("slow", [{}, {}])
        command = ["jobs", "work", "--app", "shop:set_up", "--profile", "shop.toml", "--concurrency", "1"]
        working = start("import sys; from eventlite.cli import main; sys.exit(main())", *command)
        wait_until((shop / "begun").exists)
        assert working.stderr is not None
        working.stderr.readline()
        for _ in range(2):
            working.send_signal(signal.SIGTERM)
            threading.Event().wait(0.2)
        assert "waited for" in working.stderr.readline()
        (shop / "release").touch()
        assert working.wait(30) == 130
        assert sorted(info(kernel.jobs, id).state for id in ids) == ["done", "pending"]
