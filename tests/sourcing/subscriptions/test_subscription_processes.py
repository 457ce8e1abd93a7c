"""Writers, followers and stand-bys in processes of their own, some of them killed or stopped: nothing is skipped.

EVENTLITE_TEST_LONG=1 writes and kills more.
"""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from eventlite import Kernel, NewEvent

WaitUntil = Callable[[Callable[[], bool]], None]
Start = Callable[..., "subprocess.Popen[str]"]

#: Appends so many batches, and rolls as many back.
WRITING = """
import json, sys, random
from eventlite import Kernel, NewEvent
sections, batches, seed = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
dice = random.Random(seed)
with Kernel.from_profile(**sections) as kernel:
    for number in range(batches):
        kernel.append_many([NewEvent("written", {"n": number}) for _ in range(dice.randrange(1, 6))])
        try:
            with kernel.transaction() as transaction:
                transaction.append(kernel.prepare([NewEvent("undone")]))
                1 / 0
        except ZeroDivisionError:
            pass
"""

#: Says of each event that it is handled; `pace` is how many seconds that takes.
FOLLOWING = """
import json, os, sys, time
from eventlite import Kernel, Query
sections, pace, partitions = json.loads(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
with Kernel.from_profile(**sections) as kernel:
    def handle(event):
        assert event.cmd != "undone"
        time.sleep(pace)
        os.write(1, f"{event.id}\\n".encode())
    os.write(1, b"0\\n")
    kernel.subscribe(Query(), name="follower").run(handle, partitions=partitions)
"""


class Follower:
    """A process that follows, and what it has said to have handled."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.handled: list[int] = []
        self.ready = threading.Event()
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith("\n") and line != "0\n":
                self.handled.append(int(line))
            self.ready.set()

    def kill(self) -> list[int]:
        """Kill it; what it has handled."""
        self.process.send_signal(signal.SIGKILL)
        self._reading.join(30)
        assert self.process.wait(30) == -signal.SIGKILL, self.process.stderr
        return self.handled


@pytest.fixture
def kernel(shared: str) -> Iterator[Kernel]:
    with Kernel.from_profile(**json.loads(shared)) as opened:
        yield opened


@pytest.fixture
def follow(start: Start, shared: str) -> Callable[..., Follower]:
    def follow(pace: float = 0.0, partitions: int = 1) -> Follower:
        follower = Follower(start(FOLLOWING, shared, pace, partitions))
        assert follower.ready.wait(60)
        return follower

    return follow


def checkpoint(kernel: Kernel) -> int:
    return next((each.position for each in kernel.subscriptions.list()), 0)


def test_a_follower_that_is_killed_again_and_again_skips_nothing(
    start: Start,
    follow: Callable[..., Follower],
    kernel: Kernel,
    shared: str,
    dice: random.Random,
    long: bool,
    wait_until: WaitUntil,
) -> None:
    writers = [start(WRITING, shared, 2000 if long else 150, dice.random()) for _ in range(3)]
    handled: set[int] = set()
    kills = 0
    while kills < (40 if long else 4) or any(writer.poll() is None for writer in writers):
        before, partitions = checkpoint(kernel), dice.choice([1, 1, 4])
        follower = follow(partitions=partitions)
        time.sleep(dice.uniform(0, 0.8))
        seen = follower.kill()
        if partitions == 1:
            assert seen == list(range(before + 1, before + 1 + len(seen)))  # from the checkpoint on, none twice
        assert all(event > before for event in seen)
        assert len(set(seen)) == len(seen)
        handled.update(seen)
        assert handled.issuperset(range(1, checkpoint(kernel) + 1))  # nothing counts that was not handled
        kills += 1
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    last = follow()
    wait_until(lambda: checkpoint(kernel) == kernel.head())
    handled.update(last.kill())
    assert handled == set(range(1, kernel.head() + 1))
    assert kernel.head() > 3 * 150
    print(f"{kills} kills, {kernel.head()} events")


def test_the_one_that_stands_by_takes_over_from_one_that_is_killed(
    follow: Callable[..., Follower], kernel: Kernel, long: bool, wait_until: WaitUntil
) -> None:
    active, waiting = follow(), follow()
    for _ in range(5 if long else 2):
        kernel.append("x")
        wait_until(lambda: len(active.handled) + len(waiting.handled) > 0)  # noqa: B023
        if waiting.handled:
            active, waiting = waiting, active
        time.sleep(0.3)
        assert waiting.handled == []
        done = active.kill()
        began = time.monotonic()
        event = kernel.append("x")
        wait_until(lambda: event.id in waiting.handled)  # noqa: B023
        print(f"taken over after {time.monotonic() - began:.2f} s")
        assert waiting.handled == list(range(done[-1] + 1, event.id + 1))
        waiting.kill()
        active, waiting = follow(), follow()


def stop_between_writes(follower: Follower, path: Path) -> None:
    """Stop the process, but not where it keeps everybody from writing."""
    while True:
        follower.process.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        connecting = closing(sqlite3.connect(path, timeout=0.1, isolation_level=None))
        with connecting as connection, suppress(sqlite3.OperationalError):
            connection.execute("BEGIN IMMEDIATE")
            return
        follower.process.send_signal(signal.SIGCONT)
        time.sleep(0.05)


@pytest.mark.parametrize("sql_sections", ["sqlite"], indirect=True)
def test_one_that_was_stopped_and_lost_its_hold_handles_nothing_more(
    follow: Callable[..., Follower], kernel: Kernel, wait_until: WaitUntil
) -> None:
    kernel.append_many([NewEvent("x") for _ in range(400)])
    stopped = follow(0.01)
    wait_until(lambda: len(stopped.handled) > 20)
    stop_between_writes(stopped, Path(kernel.storage.facts()["path"]))
    before = len(stopped.handled)
    other = follow(0.01)
    wait_until(lambda: len(other.handled) > 50)
    stopped.process.send_signal(signal.SIGCONT)
    wait_until(lambda: checkpoint(kernel) == 400)
    assert len(stopped.handled) <= before + 1  # what it was about
    assert other.handled == list(range(other.handled[0], 401))
    assert set(stopped.handled) | set(other.handled) == set(range(1, 401))
    other.kill()
    event = kernel.append("x")
    wait_until(lambda: event.id in stopped.handled)  # it stood by
    assert len(stopped.handled) <= before + 2


def test_a_pause_and_a_reset_reach_another_process(
    follow: Callable[..., Follower], kernel: Kernel, wait_until: WaitUntil
) -> None:
    kernel.append_many([NewEvent("x") for _ in range(300)])
    follower = follow(0.005)
    wait_until(lambda: len(follower.handled) > 20)
    kernel.subscriptions.pause("follower")
    wait_until(lambda: kernel.subscriptions.get("follower").position >= 20 and settled(follower))
    position, paused_at = checkpoint(kernel), len(follower.handled)
    assert paused_at - position in (0, 1)  # the handler that was under way may have come to its end
    kernel.subscriptions.resume("follower")
    wait_until(lambda: len(follower.handled) > paused_at + 20)
    assert follower.handled[:paused_at] == list(range(1, paused_at + 1))
    assert follower.handled[paused_at] == position + 1
    kernel.subscriptions.reset("follower")
    wait_until(lambda: follower.handled.count(1) == 2)
    wait_until(lambda: checkpoint(kernel) == 300)
    again = follower.handled.index(1, 1)
    assert follower.handled[again:] == list(range(1, 301))


def settled(follower: Follower) -> bool:
    """Whether it has stopped to handle events."""
    count = len(follower.handled)
    time.sleep(0.5)
    return len(follower.handled) == count
