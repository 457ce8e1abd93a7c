"""Plain functions, each in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from eventlite_jobs.current import current_job
from eventlite_jobs.durable.attempt import Attempt
from eventlite_jobs.durable.endings import Report, raised, returned


class ThreadExecutor:
    """As many threads as attempts run at once; a thread cannot be stopped, and is left to itself when it should.

    `over` takes a report and tells what the thread does next. They are daemons, so that a function that hangs does not
    keep the process from ending.
    """

    def __init__(self, over: Callable[[Report], Attempt | None]) -> None:
        self._over = over
        self._attempts: SimpleQueue[Attempt | None] = SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads = 0

    def start(self, attempt: Attempt) -> None:
        """Give it to a thread that is idle, or to a new one."""
        if not self._idle.acquire(blocking=False):
            self._threads += 1
            threading.Thread(target=self._run, name="eventlite-job", daemon=True).start()
        self._attempts.put(attempt)

    def interrupt(self, attempt: Attempt) -> None:
        """The function finds out when it asks."""

    def close(self) -> None:
        """End the threads that are idle, and the others once they are."""
        for _ in range(self._threads):
            self._attempts.put(None)

    def _run(self) -> None:
        while (attempt := self._attempts.get()) is not None:
            while attempt is not None:
                done, attempt = attempt, self._over(_attempted(attempt))
            if done.abandoned:  # another thread has taken its place
                return
            self._idle.release()


def _attempted(attempt: Attempt) -> Report:
    current_job.set(attempt.id)
    try:
        assert attempt.worker is not None
        return returned(attempt, attempt.worker.handler(attempt))
    except BaseException as error:  # whatever a handler raises is kept with its job
        return raised(attempt, error)
