"""Crash and concurrency on a PostgreSQL server: several processes, lost connections, a standby that takes over."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from eventlite_postgres.testing import Server, running_server, server_directory

from eventlite import Condition, Kernel, NewEvent, Query, UnknownOutcomeError
from eventlite.errors import StoreBusyError

PATIENCE = 60.0

_Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of this test's own, to stop, kill and misconfigure."""
    with running_server() as server:
        yield server


@pytest.fixture
def own(server: Server) -> Iterator[Kernel]:
    """A kernel on it."""
    with Kernel.from_profile("postgres", storage={"dsn": server.dsn(), "schema": "store"}) as kernel:
        yield kernel


def administer(server: Server, *statements: str) -> list[Any]:
    """Run statements beside the store; the rows of the last one."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def await_until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


# --- several processes

_RACER = """
import json, sys, threading
from eventlite import Condition, ConflictError, Kernel, Query
storage, racers, rounds = json.loads(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
seat = Query(tags="seat")
with Kernel.from_profile("postgres", storage=storage) as kernel:
    print("ready", flush=True)
    for line in sys.stdin:
        after, won, barrier = int(line), [], threading.Barrier(racers)
        def take(name):
            barrier.wait(60)
            try:
                won.append(kernel.append("taken", user=name, tags=["seat"], condition=Condition(seat, after=after)).id)
            except ConflictError:
                pass
        threads = [threading.Thread(target=take, args=(str(n),)) for n in range(racers)]
        [thread.start() for thread in threads]
        [thread.join(60) for thread in threads]
        print(json.dumps(won), flush=True)
"""


def test_sixteen_racers_in_four_processes_have_one_winner_each_round(
    start: _Start, postgres: dict[str, str], long: bool
) -> None:
    rounds = 200 if long else 25
    racers = [start(_RACER, json.dumps(postgres), 4, rounds) for _ in range(4)]
    for racer in racers:
        assert _line(racer) == "ready"
    head = 0
    for number in range(1, rounds + 1):
        for racer in racers:
            _say(racer, str(head))
        won = [id for racer in racers for id in json.loads(_line(racer))]
        assert len(won) == 1, f"round {number}"
        head = won[0]
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        assert kernel.count(Query(tags="seat")) == rounds


_WRITER = """
import json, random, sys, time
from eventlite import Kernel, NewEvent
from eventlite.drafting import draft_batch, now
storage, seed, seconds = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3])
dice, end, number = random.Random(seed), time.monotonic() + seconds, 0
with Kernel.from_profile("postgres", storage=storage) as kernel:
    print("ready", flush=True)
    while time.monotonic() < end:
        events = [NewEvent("written", {"by": seed, "n": number + n}) for n in range(dice.choice((1, 1, 3, 60, 400)))]
        number += len(events)
        if dice.random() < 0.2:
            with kernel.transaction() as tx:
                for event in events[:20]:
                    tx.append(draft_batch([event], recorded=now()))
                    time.sleep(dice.random() * 0.002)
        else:
            kernel.append_many(events)
        time.sleep(dice.random() * 0.003)
"""


def test_a_follower_never_skips_whatever_eight_processes_do(
    start: _Start, postgres: dict[str, str], dice: random.Random, long: bool
) -> None:
    seconds = 30.0 if long else 4.0
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        done = threading.Event()
        with ThreadPoolExecutor(2) as pool:
            followers = [pool.submit(_follow, kernel, done) for _ in range(2)]
            _write_and_be_killed(start, postgres, dice, seconds)
            done.set()
            seen = [follower.result(PATIENCE) for follower in followers]
        stored = [event.id for event in kernel.read()]
        assert stored
        assert seen == [stored, stored]


def _write_and_be_killed(start: _Start, postgres: dict[str, Any], dice: random.Random, seconds: float) -> None:
    def begin() -> subprocess.Popen[str]:
        writer = start(_WRITER, json.dumps(postgres), dice.randrange(2**32), seconds)
        assert _line(writer) == "ready"
        return writer

    writers = [begin() for _ in range(8)]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(dice.random() * 0.5)
        victim = dice.randrange(len(writers))
        writers[victim].kill()
        if time.monotonic() < end - 1.5:
            writers[victim] = begin()
    for writer in writers:
        _, errors = writer.communicate(timeout=PATIENCE)
        assert writer.returncode in (0, -9), errors


def _follow(kernel: Kernel, done: threading.Event) -> list[int]:
    seen: list[int] = []
    while True:
        last = seen[-1] if seen else 0
        finished = done.is_set()
        kernel.storage.wait(last, 0.1)
        found = [row[0] for row in kernel.storage.read(Query(), after=last, limit=500)]
        if finished and not found:
            return seen
        assert found == sorted(found)
        seen += found


# --- lost connections

_DISCONNECT = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'eventlite'"


def test_connections_that_the_server_closes_are_mended(own: Kernel, server: Server) -> None:
    for number in range(1, 6):
        own.append("a")
        list(own.read())
        administer(
            server, "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'eventlite'"
        )
        assert (own.append("b", tags=["t"]).id, own.head()) == (2 * number, 2 * number)
        with own.storage.snapshot() as snapshot:
            assert snapshot.count(Query(tags="t")) == number


def test_a_restart_of_the_server_is_survived(own: Kernel, server: Server) -> None:
    own.append("a")
    server.stop()
    server.start()
    assert own.append("b").id == 2
    with ThreadPoolExecutor(2) as pool:
        server.kill()
        waiting = [pool.submit(own.append, "c", key="k"), pool.submit(own.count)]
        server.start()
        assert waiting[0].result(PATIENCE).key == "k"
        assert waiting[1].result(PATIENCE) in (2, 3)
    assert [event.cmd for event in own.read()] == ["a", "b", "c"]


def test_a_writer_that_stops_inside_its_turn_is_not_waited_for_for_ever(own: Kernel, server: Server) -> None:
    impatient = {"dsn": server.dsn(), "schema": "store", "busy_timeout": 0.2}
    with Kernel.from_profile("postgres", storage=impatient) as other, own.transaction():
        with pytest.raises(StoreBusyError):
            other.append("a")
        assert other.head() == 0
    assert own.append("b").id == 1


# --- commits of which nobody knows


@pytest.fixture
def hanging(own: Kernel, server: Server) -> Iterator[Callable[..., Future[Any]]]:
    """Append while the standby is away, so that the commit is written but not confirmed."""
    own.append("first")
    administer(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")
    await_until(lambda: _awaited_standbys(own) == "nobody", "the server has not read its settings again")
    with ThreadPoolExecutor(1) as pool:
        _await_waiting_commits(server, pool)

        def append(**arguments: Any) -> Future[Any]:
            future = pool.submit(own.append, "second", **arguments)
            await_until(lambda: _hanging(server), "no commit waits for the standby")
            return future

        yield append
        _confirm(server)


def _awaited_standbys(kernel: Kernel) -> str:
    """As the connection that appends knows them: it is told some time after the server."""
    with kernel.transaction() as transaction:
        found: str = transaction.connection.execute("SHOW synchronous_standby_names").fetchone()[0]
    return found


def _await_waiting_commits(server: Server, pool: ThreadPoolExecutor) -> None:
    """The server's checkpointer has them wait, perhaps later than the connections know of it."""
    while True:
        probe = pool.submit(administer, server, "SELECT pg_logical_emit_message(true, 'probe', '')")
        await_until(lambda probe=probe: probe.done() or _hanging(server), "a commit neither ends nor waits")
        if not probe.done():
            break
    administer(server, f"SELECT pg_cancel_backend(pid) {_ON_HANGING}")
    probe.result(PATIENCE)


def _hanging(server: Server) -> list[Any]:
    return administer(server, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'")


def _confirm(server: Server) -> None:
    administer(server, "ALTER SYSTEM RESET synchronous_standby_names", "SELECT pg_reload_conf()")


_ON_HANGING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def test_a_commit_that_the_standby_did_not_confirm_is_unknown(
    hanging: Callable[..., Future[Any]], own: Kernel, server: Server
) -> None:
    future = hanging(key="k")
    administer(server, f"SELECT pg_cancel_backend(pid) {_ON_HANGING}")
    with pytest.raises(UnknownOutcomeError, match="standby"):
        future.result(PATIENCE)
    again = hanging(key="k")  # waits for the standby too, although the primary knows the key
    assert not again.done()
    _confirm(server)
    assert again.result(PATIENCE).id == 2
    assert own.count() == 2


def test_a_lost_commit_is_resolved_by_its_key(hanging: Callable[..., Future[Any]], own: Kernel, server: Server) -> None:
    future = hanging(key="k")
    administer(server, f"SELECT pg_terminate_backend(pid) {_ON_HANGING}")
    _confirm(server)
    assert future.result(PATIENCE).id == 2
    assert own.count() == 2


def test_a_lost_commit_without_a_key_is_unknown(
    hanging: Callable[..., Future[Any]], own: Kernel, server: Server
) -> None:
    future = hanging(tags=["t"])
    administer(server, f"SELECT pg_terminate_backend(pid) {_ON_HANGING}")
    with pytest.raises(UnknownOutcomeError, match="lost"):
        future.result(PATIENCE)
    assert own.count() == 2  # it was stored, as the caller finds out by looking
    _confirm(server)
    assert own.append("third").id == 3


def test_a_lost_transaction_is_unknown(own: Kernel, server: Server) -> None:
    administer(server, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'", "SELECT pg_reload_conf()")

    def write() -> None:
        with own.transaction() as tx:
            tx.state.put("space", "name", {})

    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(write)
        await_until(lambda: _hanging(server), "no commit waits for the standby")
        administer(server, f"SELECT pg_terminate_backend(pid) {_ON_HANGING}")
        with pytest.raises(UnknownOutcomeError):
            future.result(PATIENCE)
    _confirm(server)


# --- failover

_LOAD = """
import json, sys, threading
from eventlite import Kernel, UnknownOutcomeError
from eventlite.errors import StorageError
storage, writers = json.loads(sys.argv[1]), int(sys.argv[2])
lock, stop = threading.Lock(), threading.Event()
def write(kernel, name):
    number = 0
    while not stop.is_set():
        number += 1
        key = f"{name}-{number}" if name % 2 else None
        try:
            event = kernel.append("written", {"by": name, "n": number}, key=key)
            answer = {"by": name, "n": number, "id": event.id}
        except UnknownOutcomeError:
            answer = {"by": name, "n": number, "id": None}
        with lock:
            print(json.dumps(answer), flush=True)
with Kernel.from_profile("postgres", storage=storage) as kernel:
    threads = [threading.Thread(target=write, args=(kernel, name)) for name in range(writers)]
    [thread.start() for thread in threads]
    sys.stdin.readline()
    stop.set()
    [thread.join(60) for thread in threads]
"""


def _failover(start: _Start, dice: random.Random, commit: str, extra: float = 0.0) -> tuple[list[Any], list[Any]]:
    """What was acknowledged, and what the standby has, when the primary is killed under load."""
    with ExitStack() as stack:
        primary, standby = _pair(stack, commit)
        if commit == "local":  # so far behind that there is something to lose
            administer(standby, "SELECT pg_wal_replay_pause()")
            administer(primary, "SELECT 1")
        hosts = f"{primary.directory},{standby.directory}"
        dsn = primary.dsn(host=hosts, target_session_attrs="read-write", options=f"-csynchronous_commit={commit}")
        load = start(_LOAD, json.dumps({"dsn": dsn, "schema": "store"}), 4)
        answers: list[Any] = []
        reader = threading.Thread(target=lambda: answers.extend(map(json.loads, load.stdout or ())))
        reader.start()
        await_until(lambda: len(answers) > 100, "the load does not begin")
        time.sleep(dice.random() * 0.5 + extra)
        _kill(primary, standby, commit)
        standby.promote()
        before = len(answers)
        await_until(lambda: len(answers) > before + 50, "the load does not go on at the standby")
        _say(load, "stop")
        assert load.wait(PATIENCE) == 0, load.stderr and load.stderr.read()
        reader.join(PATIENCE)
        with Kernel.from_profile("postgres", storage={"dsn": standby.dsn(), "schema": "store"}) as kernel:
            return answers, [(event.data["by"], event.data["n"], event.id) for event in kernel.read()]


def _pair(stack: ExitStack, commit: str) -> tuple[Server, Server]:
    primary, standby = (Server(stack.enter_context(server_directory())) for _ in range(2))
    primary.create()
    primary.start()
    stack.callback(primary.stop)
    with Kernel.from_profile("postgres", storage={"dsn": primary.dsn(), "schema": "store"}):
        pass
    standby.copy(primary)
    standby.start()
    stack.callback(standby.stop)
    await_until(
        lambda: administer(primary, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"), "no standby"
    )
    if commit != "local":
        administer(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        await_until(
            lambda: administer(primary, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), "not in step"
        )
    return primary, standby


def _kill(primary: Server, standby: Server, commit: str) -> None:
    """kill -9; without waiting for the standby, the last things it would get are on their way for a moment."""
    if commit == "local":
        senders = administer(primary, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walsender'")
        for (pid,) in senders:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(0.2)
    primary.kill()


def _lost(answers: list[Any], stored: list[Any]) -> list[Any]:
    return [a for a in answers if a["id"] is not None and (a["by"], a["n"], a["id"]) not in set(stored)]


@pytest.mark.timeout(600)
def test_a_failover_loses_nothing_that_was_acknowledged(start: _Start, dice: random.Random, long: bool) -> None:
    for _ in range(10 if long else 1):
        answers, stored = _failover(start, dice, "on")
        assert _lost(answers, stored) == []
        pairs = [(by, n) for by, n, _ in stored]
        assert len(set(pairs)) == len(pairs)
        unknown = [answer for answer in answers if answer["id"] is None]
        assert all(answer["by"] % 2 == 0 for answer in unknown), "an append with a key is always resolved"


@pytest.mark.timeout(600)
def test_without_waiting_for_the_standby_a_failover_loses_events(start: _Start, dice: random.Random) -> None:
    """The control: what the test above would say if commits did not wait."""
    answers, stored = _failover(start, dice, "local")
    assert _lost(answers, stored)


def _say(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text + "\n")
    process.stdin.flush()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, process.stderr and process.stderr.read()
    return line


def test_a_condition_holds_across_a_failed_try(own: Kernel, server: Server) -> None:
    first = own.append("a", tags=["t"])
    administer(server, _DISCONNECT)
    guard = Condition(Query(tags="t"), after=first.id)
    assert [event.id for event in own.append_many([NewEvent("b", tags=["t"])] * 2, condition=guard)] == [2, 3]


# --- behind a pooling proxy


@pytest.fixture
def proxied(server: Server, long: bool) -> Iterator[str]:
    """The DSN of a pgbouncer before the server, which gives out its few connections by the transaction."""
    if not long:
        pytest.skip("pgbouncer is for the long form: EVENTLITE_TEST_LONG=1, and apt-get install pgbouncer")
    bouncer = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    settings = server.directory / "pgbouncer.ini"
    settings.write_text(
        f"""[databases]
postgres = host={server.directory} port=5432 user=postgres
[pgbouncer]
pool_mode = transaction
auth_type = any
listen_port = 6432
unix_socket_dir = {server.directory}
max_client_conn = 200
default_pool_size = 5
"""
    )
    settings.chmod(0o644)
    dsn = server.dsn(port=6432)
    process = server.run_beside([bouncer, "-q", str(settings)])
    try:
        await_until(lambda: _answers(dsn), "pgbouncer does not start")
        yield dsn
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _answers(dsn: str) -> bool:
    try:
        psycopg.connect(dsn, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def test_it_works_behind_a_proxy_that_pools_transactions(proxied: str, start: _Start, dice: random.Random) -> None:
    storage: dict[str, Any] = {"dsn": proxied, "schema": "store", "prepare": False}
    with (
        Kernel.from_profile("postgres", storage=storage) as one,
        Kernel.from_profile("postgres", storage=storage) as two,
    ):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: (one, two)[n % 2].append("a", {"n": n}, tags=["t"]), range(200)))
            wait = pool.submit(one.storage.wait, 200, PATIENCE)
            assert two.append_bulk([NewEvent("b", {"n": n}) for n in range(2000)]).count == 2000
            assert wait.result(PATIENCE) > 200
        with one.storage.snapshot() as snapshot, two.transaction() as tx:
            tx.state.put("space", "name", {})
            assert (snapshot.count(Query()), snapshot.state.get("space", "name")) == (2200, None)
        one.indexes.apply(["cmd", "user"])
        done = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            follower = pool.submit(_follow, two, done)
            _write_and_be_killed(start, storage, dice, 5.0)
            done.set()
            assert follower.result(PATIENCE) == [event.id for event in one.read()]
