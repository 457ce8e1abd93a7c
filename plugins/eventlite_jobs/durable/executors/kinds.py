"""Which kind of executor an attempt is for; each is made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

from eventlite_jobs.durable.attempt import Attempt
from eventlite_jobs.durable.endings import Report
from eventlite_jobs.durable.executors import Executor
from eventlite_jobs.durable.executors.threads import ThreadExecutor


def is_plain(attempt: Attempt) -> bool:
    """Whether it runs in a thread."""
    worker = attempt.worker
    return worker is not None and not worker.process and not worker.asynchronous


class Executors:
    """One of each kind."""

    def __init__(self, report: Callable[[Report], None], over: Callable[[Report], Attempt | None]) -> None:
        self._report = report
        self._over = over
        self._made: dict[str, Executor] = {}

    def of(self, attempt: Attempt) -> Executor:
        """The one that runs it."""
        kind = "threads" if is_plain(attempt) else "processes" if attempt.worker and attempt.worker.process else "loop"
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def close(self) -> None:
        """End them all."""
        for executor in self._made.values():
            executor.close()

    def _make(self, kind: str) -> Executor:
        if kind == "threads":
            return ThreadExecutor(self._over)
        if kind == "processes":
            from eventlite_jobs.durable.executors.processes import ProcessExecutor

            return ProcessExecutor(self._report)
        from eventlite_jobs.durable.executors.loop import LoopExecutor

        return LoopExecutor(self._report)
