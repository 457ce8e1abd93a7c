"""Waits evaluated by several processes that are killed at any moment: each wait appends exactly once.

EVENTLITE_TEST_LONG=1 makes it longer.
"""

from __future__ import annotations

import json
import time

import pytest

from eventlite import Kernel, NewEvent, Query

EVALUATING = """
import json, sys
from eventlite import Kernel
with Kernel.from_profile("high-volume", storage=json.loads(sys.argv[1])) as kernel:
    print("ready", flush=True)
    while True:
        if not kernel.run_until_idle():
            kernel.storage.wait(kernel.head(), 0.01)
"""


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request, path):
    """Settings of a storage that several processes share, as JSON."""
    if request.param == "postgres":
        return json.dumps({"plugin": "postgres", **request.getfixturevalue("postgres")})
    return json.dumps({"path": str(path)})


@pytest.fixture
def kernel(settings):
    with Kernel.from_profile("high-volume", storage=json.loads(settings)) as opened:
        yield opened


def order(kernel, number):
    """An order that ships when it is paid and packed, and warns when a sequence never comes."""
    name = f"order:{number}"
    placed = kernel.append("placed", {"n": number}, correlation_id=name)
    kernel.append_when("ship", {"n": number}, all_of=["paid", "packed"], cause=placed, tags=[name])
    kernel.append_when("close", {"n": number}, count=("ship", 1), sequence=["paid", "ship"], tags=[name])
    kernel.append_when("never", {"n": number}, any_of=["lost"], tags=[name], timeout=0.05, otherwise=NewEvent("warn"))
    return placed


def finish(kernel, placed):
    """What the order waits for, in one of two orders."""
    cmds = ["paid", "packed"] if placed.data["n"] % 2 else ["packed", "paid"]
    for cmd in cmds:
        kernel.append(cmd, cause=placed, tags=[placed.correlation_id])


def wait_for_the_end(kernel, started):
    """Until no wait is open; the processes do the work, and one that is left does in any case."""
    deadline = time.monotonic() + 40
    while kernel.waits.list(limit=1) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert all(process.poll() is None for process in started), [process.communicate()[1] for process in started]


def test_processes_that_race_and_are_killed_append_for_each_wait_once(kernel, start, settings, long, dice):
    processes, orders = [], 200 if long else 40

    def replace(index):
        processes[index : index + 1] = [start(EVALUATING, settings)]

    for index in range(4):
        replace(index)
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    placed = []
    for number in range(orders):
        placed.append(order(kernel, number))
        if len(placed) > 5:
            finish(kernel, placed[number - 5])
        if number % 8 == 7:
            time.sleep(dice.uniform(0, 0.05))
            victim = dice.randrange(4)
            processes[victim].kill()
            replace(victim)
    for last in placed[-5:]:
        finish(kernel, last)
    wait_for_the_end(kernel, processes)
    assert kernel.waits.list() == []
    for cmd in ("ship", "close"):
        events = list(kernel.read(Query(cmd=cmd)))
        assert sorted(event.data["n"] for event in events) == list(range(orders))
    assert kernel.count(Query(cmd="warn")) == orders
    ended = {wait.event_id for state in ("executed", "expired") for wait in kernel.waits.list(state=state, limit=10**4)}
    assert ended == {event.id for event in kernel.read(Query(cmd=["ship", "close", "warn"]))}


def test_a_kill_between_its_parts_leaves_a_wait_whole(kernel, start, settings, long, dice):
    kernel.append_when("done", count=("tick", 200), timeout=3600)
    rounds = 40 if long else 6
    for _ in range(rounds):
        process = start(EVALUATING, settings)
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
        kernel.append_many([NewEvent("tick")] * (198 // rounds))
        time.sleep(dice.uniform(0, 0.03))
        process.kill()
        process.wait()
    kernel.run_until_idle()
    (wait,) = kernel.waits.list()
    assert wait.progress == [[kernel.count(Query(cmd="tick"))]]
    kernel.append_many([NewEvent("tick")] * (200 - wait.progress[0][0]))
    assert kernel.run_until_idle() == 1
    assert kernel.count(Query(cmd="done")) == 1
