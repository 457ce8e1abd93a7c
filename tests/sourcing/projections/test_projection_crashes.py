"""kill -9 while a projection follows, while it is rebuilt, and while others do the same.

EVENTLITE_TEST_LONG=1 kills more often.
"""

from __future__ import annotations

import json
import signal
import time
from typing import Any

import pytest

from eventlite import Kernel, NewEvent, Projection

#: Follows for ever, in records, in a table and with reactions, and says when it begins.
FOLLOWING = """
import json, os, sys, threading
from eventlite import Kernel, Projection
sections, log = json.loads(sys.argv[1]), sys.argv[2]
sums = Projection("sums")
rows = Projection("rows", tables={"rows_": "CREATE TABLE {rows_} (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)"})
@sums.on("x")
def add(event, state):
    state["n"] = state.get("n", 0) + event.data["n"]
    state.setdefault(f"last {event.id % 7}", {"ids": 0})["ids"] += 1
@rows.on("x")
def insert(event, state):
    state.execute("INSERT INTO {rows_} VALUES (?, ?)", (event.id, event.data["n"]))
written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
@sums.reaction("x")
def react(event):
    os.write(written, b"%d\\n" % event.id)
with Kernel.from_profile(**sections) as kernel:
    kernel.project(sums, react_after=0)
    kernel.project(rows)
    os.write(1, b"following\\n")
    kernel.run(threading.Event())
"""

REBUILDING = """
import json, os, sys, time
from eventlite import Kernel, Projection
sections = json.loads(sys.argv[1])
sums = Projection("sums")
rows = Projection("rows", tables={"rows_": "CREATE TABLE {rows_} (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)"})
@sums.on("x")
def add(event, state):
    state["n"] = state.get("n", 0) + event.data["n"]
    state[f"{event.id % 1000}"] = event.id
@rows.on("x")
def insert(event, state):
    state.execute("INSERT INTO {rows_} VALUES (?, ?)", (event.id, event.data["n"]))
with Kernel.from_profile(**sections) as kernel:
    kernel.project(sums, "inline")
    kernel.project(rows, "inline")
    os.write(1, b"rebuilding\\n")
    while True:
        for name in ("rows", "sums"):
            assert kernel.rebuild(name).equal
"""

TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}


def sums() -> Projection:
    projection = Projection("sums")

    @projection.on("x")
    def add(event: Any, state: Any) -> None:
        state["n"] = state.get("n", 0) + event.data["n"]
        state.setdefault(f"last {event.id % 7}", {"ids": 0})["ids"] += 1

    return projection


def table() -> Projection:
    create = "CREATE TABLE {rows_} (id BIGINT PRIMARY KEY, n BIGINT NOT NULL)"
    projection = Projection("rows", tables={"rows_": create})
    projection.on("x")(
        lambda event, state: state.execute("INSERT INTO {rows_} VALUES (?, ?)", (event.id, event.data["n"]))
    )
    return projection


def kill(process: Any, seconds: float) -> None:
    """Kill it some time after its first words."""
    assert process.stdout.readline(), process.stderr.read()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL, process.stderr.read()


def test_followers_that_are_killed_handle_every_event_exactly_once(start, shared, tmp_path, dice, long):
    log = tmp_path / "reactions"
    with Kernel.from_profile(**json.loads(shared)) as kernel:
        number = 0
        for _ in range(20 if long else 4):
            followers = [start(FOLLOWING, shared, log) for _ in range(2)]  # one stands by
            for _ in range(dice.randrange(1, 40)):
                kernel.append_many(
                    [NewEvent("x", {"n": (number := number + 1)}) for _ in range(dice.randrange(1, 300))]
                )
            for follower in followers:
                kill(follower, dice.uniform(0, 0.4))
        time.sleep(1.6)  # the hold of the last one ends
        state, rows = kernel.project(sums()), kernel.project(table())
        kernel.run_until_idle()
        assert state.state["n"] == number * (number + 1) // 2
        assert rows.query("SELECT count(*), sum(n) FROM {rows_}") == [(number, number * (number + 1) // 2)]
        assert kernel.verify_projection("sums").equal and kernel.verify_projection("rows").equal
    reacted = log.read_text().split() if log.exists() else []
    assert len(set(reacted)) <= number  # a prefix of the events, each at least once
    assert set(map(int, reacted)) == set(range(1, len(set(reacted)) + 1))


def test_of_two_that_follow_one_takes_over_when_the_other_is_killed(start, shared, tmp_path):
    log = tmp_path / "reactions"
    with Kernel.from_profile(**json.loads(shared)) as kernel:
        first, second = start(FOLLOWING, shared, log), start(FOLLOWING, shared, log)
        kernel.append_many([NewEvent("x", {"n": 1})] * 500)
        kill(first, 0.05)
        kernel.append_many([NewEvent("x", {"n": 1})] * 500)
        deadline = time.monotonic() + 60
        state = kernel.project(sums())  # only read here
        while state.position < 1_000 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert state.state["n"] == 1_000
        assert second.poll() is None


def test_a_rebuild_that_is_killed_leaves_the_live_state_and_can_be_begun_again(start, shared, dice, long):
    with Kernel.from_profile(**json.loads(shared)) as kernel:
        kernel.append_bulk([NewEvent("x", {"n": n}) for n in range(4_000)])
        total, count = sum(range(4_000)), 4_000
        for _ in range(15 if long else 3):
            process = start(REBUILDING, shared)
            assert process.stdout.readline() == "rebuilding\n", process.stderr.read()
            end = time.monotonic() + dice.uniform(0, 1.0)
            while time.monotonic() < end:  # by a process that has not these projections: they catch up later
                kernel.append("x", {"n": 1})
                total, count = total + 1, count + 1
            process.send_signal(signal.SIGKILL)
            assert process.wait(60) == -signal.SIGKILL, process.stderr.read()
        last = start(REBUILDING.replace("while True", "for _ in range(2)"), shared)
        _, errors = last.communicate(timeout=60)
        assert last.returncode == 0, errors
        with kernel.storage.snapshot() as snapshot:
            rows = snapshot.connection.execute("SELECT count(*), sum(n) FROM rows_").fetchone()
            tables = snapshot.connection.execute(TABLES[kernel.storage.capabilities.sql]).fetchall()
            namespaces = snapshot.connection.execute(
                "SELECT DISTINCT namespace FROM state WHERE namespace LIKE 'projection:%'"
            ).fetchall()
        assert rows == (count, total)
        assert [name for (name,) in tables if "__" in name] == []
        assert len(namespaces) == 1
        assert kernel.verify().problems == []


@pytest.mark.parametrize("mode", ["inline", "follow"])
def test_processes_that_append_with_a_projection_agree(start, shared, mode):
    source = """
import json, sys
from eventlite import Kernel, Projection
sections, mode = json.loads(sys.argv[1]), sys.argv[2]
counts = Projection("counts")
counts.on("x")(lambda event, state: state.update({event.user: state.get(event.user, 0) + 1}))
with Kernel.from_profile(**sections) as kernel:
    kernel.project(counts, mode)
    for n in range(150):
        kernel.append("x", user=f"u{n % 5}")
        if n % 10 == 0:
            kernel.run_until_idle()
"""
    processes = [start(source, shared, mode) for _ in range(3)]
    for process in processes:
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
    counts = Projection("counts")
    counts.on("x")(lambda event, state: state.update({event.user: state.get(event.user, 0) + 1}))
    with Kernel.from_profile(**json.loads(shared)) as kernel:
        handle = kernel.project(counts, mode)
        kernel.run_until_idle()
        assert handle.state == {f"u{n}": 90 for n in range(5)}
        assert kernel.verify_projection("counts").equal
