"""Async functions, as tasks of one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from eventlite_jobs.current import current_job
from eventlite_jobs.durable.attempt import Attempt, timed_out
from eventlite_jobs.durable.endings import Report, raised, returned

#: Seconds that tasks have to end once they were cancelled.
_PATIENCE = 5.0


class LoopExecutor:
    """An attempt that should stop is cancelled where it awaits."""

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._tasks: dict[Attempt, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="eventlite-async-jobs", daemon=True)
        self._thread.start()

    def start(self, attempt: Attempt) -> None:
        """Make a task of it."""
        self._loop.call_soon_threadsafe(self._begin, attempt)

    def interrupt(self, attempt: Attempt) -> None:
        """Cancel its task."""
        if attempt.stopping != "lost":
            self._loop.call_soon_threadsafe(self._cancel, attempt)

    def close(self) -> None:
        """Cancel what still runs, and end the loop."""
        ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        ending.result(2 * _PATIENCE)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=_PATIENCE)
        await self._loop.shutdown_asyncgens()

    def _begin(self, attempt: Attempt) -> None:
        self._tasks[attempt] = self._loop.create_task(self._run(attempt))

    def _cancel(self, attempt: Attempt) -> None:
        task = self._tasks.get(attempt)
        if task is not None:
            task.cancel()

    async def _run(self, attempt: Attempt) -> None:
        current_job.set(attempt.id)
        try:
            assert attempt.worker is not None
            report = returned(attempt, await attempt.worker.handler(attempt))
        except asyncio.CancelledError as error:
            report = raised(attempt, timed_out(attempt) if attempt.stopping == "timeout" else _cancelled(error))
        except BaseException as error:  # whatever a handler raises is kept with its job
            report = raised(attempt, error)
        del self._tasks[attempt]
        self._report(report)


def _cancelled(error: asyncio.CancelledError) -> Exception:
    """What is kept of a task that was cancelled: the loop goes on."""
    return RuntimeError(f"the task was cancelled {error}".rstrip())
