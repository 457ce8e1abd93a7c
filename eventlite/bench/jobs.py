"""Workloads of jobs: putting them in the queue, and running those that do nothing."""

from __future__ import annotations

import threading
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from eventlite.bench.rounds import LeftOut, Rounds, timed
from eventlite.bench.workload import Workload

if TYPE_CHECKING:
    from eventlite.bench.stage import Stage
    from eventlite.kernel import Kernel


def enqueue(stage: Stage) -> Rounds:
    """Each job in a transaction of its own."""
    with stage.fresh() as kernel:
        while True:
            yield timed(_enqueue_each, kernel, stage.scale.appends)


def run_empty(stage: Stage, at_once: int) -> Rounds:
    """Jobs that do nothing are claimed, called and marked done."""
    with stage.fresh() as kernel:
        if not kernel.jobs.capabilities.work_loop:
            raise LeftOut("the dispatcher has no work loop")
        empty = EmptyJobs(kernel)
        while True:
            jobs = max(10, at_once * stage.scale.appends // 2)
            empty.enqueue(jobs)
            yield timed(empty.run, jobs, at_once)


class EmptyJobs:
    """A worker that does nothing but count."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._numbers = count(1)
        self._last = 0
        self._stop = threading.Event()
        kernel.jobs.worker("empty")(self._call)

    def enqueue(self, jobs: int) -> None:
        """Put so many in the queue."""
        self._kernel.jobs.enqueue_many("empty", ({"n": n} for n in range(jobs)))

    def run(self, jobs: int, at_once: int) -> int:
        """Run so many, `at_once` side by side, and store that they are done."""
        self._numbers, self._last = count(1), jobs
        self._stop.clear()
        return self._kernel.jobs.work(self._stop, concurrency=at_once)

    def _call(self, _job: Any) -> None:
        if next(self._numbers) == self._last:
            self._stop.set()


def _enqueue_each(kernel: Kernel, jobs: int) -> int:
    for n in range(jobs):
        kernel.jobs.enqueue("nobody works on it", {"n": n}, delay=3600)
    return jobs


WORKLOADS = (
    Workload("jobs-enqueue", "jobs", "one job after the other put in the queue", enqueue),
    *(
        Workload(
            f"jobs-run-{at_once}", "jobs", f"empty jobs run, {at_once} at once", partial(run_empty, at_once=at_once)
        )
        for at_once in (1, 8, 32)
    ),
)
