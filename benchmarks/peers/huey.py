"""huey on SQLite: its own consumer, with as many threads, runs the same empty jobs."""

from __future__ import annotations

import logging
import threading
from itertools import count
from typing import Any

from benchmarks.peers.arena import Arena, required
from eventlite.bench.rounds import Rounds, timed

_PATIENCE = 300.0


def run_empty(arena: Arena, at_once: int, jobs: int, fsync: bool) -> Rounds:
    """Empty jobs, `at_once` side by side, without results; with `fsync` synchronous is FULL, else OFF."""
    huey = required("huey")
    logging.getLogger("huey").setLevel(logging.ERROR)
    with arena.place() as place:
        queue = huey.SqliteHuey("peer", filename=str(place / "huey.db"), results=False, fsync=fsync)
        finished, numbers = threading.Event(), [count(1)]

        @queue.task()
        def empty(_n: int) -> None:
            if next(numbers[0]) == jobs:
                finished.set()

        while True:
            for n in range(jobs):
                empty(n)
            finished.clear()
            numbers[0] = count(1)
            yield timed(_consume, queue, at_once, jobs, finished)


def _consume(queue: Any, at_once: int, jobs: int, finished: threading.Event) -> int:
    consumer = queue.create_consumer(workers=at_once, periodic=False, initial_delay=0.001, max_delay=0.01)
    consumer.start()
    if not finished.wait(_PATIENCE):
        raise TimeoutError(f"huey did not run {jobs} jobs within {_PATIENCE} seconds")
    consumer.stop(graceful=True)
    return jobs
