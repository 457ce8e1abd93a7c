"""procrastinate's own worker at work, in an event loop of its own in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.worker import Worker
from psycopg import AsyncConnection

from eventlite.contracts import Host
from eventlite_jobs.procrastinate.attempt import Attempts
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.procrastinate.failures import told
from eventlite_jobs.procrastinate.settings import Settings
from eventlite_jobs.procrastinate.tasks import WORKER, AllTasks
from eventlite_jobs.workers import Workers

_T = TypeVar("_T")


class Shift:
    """Runs jobs, `size` at once, from when it is entered until it is left; safe to stop from any thread."""

    def __init__(
        self,
        host: Host,
        database: Database,
        settings: Settings,
        workers: Workers,
        size: int,
        queues: Sequence[str] | None,
        changed: threading.Condition,
    ) -> None:
        self._settings = settings
        self._size = size
        self._changed = changed
        self._next_look = 0.0
        self._queues = None if queues is None else list(queues)
        self._handlers = ThreadPoolExecutor(size, "eventlite-job")
        self._attempts = Attempts(host, database, workers, self._handlers)
        self._connector = PsycopgConnector(
            conninfo=database.conninfo, min_size=1, max_size=min(size, 8) + 2, configure=_commit_each
        )
        self._thread = ThreadPoolExecutor(1, "eventlite-loop")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._runner = asyncio.Runner(loop_factory=self._new_loop)
        self._worker: Worker | None = None
        #: Whether it begins no more jobs.
        self.stopped = False
        #: The ids of the jobs that run.
        self.running: set[str] = set()

    @property
    def attempts(self) -> int:
        """How many were begun."""
        return self._attempts.count

    @property
    def interrupt(self) -> BaseException | None:
        """What a function raised to end the process."""
        return self._attempts.interrupt

    @contextmanager
    def open(self) -> Iterator[Shift]:
        """Connect, and let go of everything at the end."""
        try:
            self._do(self._connector.open_async())
            yield self
        finally:
            self.stop()
            self._thread.submit(self._runner.run, self._connector.close_async()).result()
            self._thread.submit(self._runner.close).result()
            self._thread.shutdown()
            self._handlers.shutdown()

    def time_to_look(self) -> bool:
        """Whether it is time to look for lost workers' jobs: at first, and several times within a lease."""
        now = time.monotonic()
        if now < self._next_look:
            return False
        self._next_look = now + self._settings.lease / 5
        return True

    def until_idle(self) -> int:
        """Run what is due; how many attempts that were."""
        before = self.attempts
        self._do(self._work(wait=False))
        return self.attempts - before

    def begin(self) -> Future[None]:
        """Run what comes until it is stopped."""
        return self._thread.submit(self._runner.run, self._work(wait=True))

    def result(self, future: Future[_T]) -> _T:
        """Wait for it. Raises `JobError` for what the database refused."""
        with told():
            return future.result()

    def stop(self) -> None:
        """Begin no more jobs; fit for a signal handler."""
        self.stopped = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed
                self._loop.call_soon_threadsafe(self._stop_worker)

    def _new_loop(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        return self._loop

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]

    def _do(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Wait for something that runs in the loop; what interrupts the wait ends the shift first."""
        future = self._thread.submit(self._runner.run, coroutine)
        try:
            return self.result(future)
        except BaseException:
            self.stop()
            with suppress(Exception):
                future.result()
            raise

    async def _work(self, *, wait: bool) -> None:
        if self.stopped:
            return
        app = App(connector=self._connector)
        app.tasks = AllTasks(app, self._make)
        self._worker = Worker(
            app,
            queues=self._queues,
            name=WORKER,
            concurrency=self._size,
            wait=wait,
            fetch_job_polling_interval=self._settings.poll,
            abort_job_polling_interval=self._settings.poll,
            listen_notify=wait,
            install_signal_handlers=False,
            update_heartbeat_interval=self._settings.lease / 3,
            stalled_worker_timeout=self._settings.lease,
        )
        await self._worker.run()  # type: ignore[no-untyped-call]

    async def _make(self, context: JobContext) -> None:
        id = str(context.job.id)
        with self._changed:
            self.running.add(id)
        try:
            await self._attempts.make(context)
        finally:
            with self._changed:
                self.running.discard(id)
                self._changed.notify_all()
            if self.interrupt is not None:
                self.stopped = True
                self._stop_worker()


async def _commit_each(connection: AsyncConnection[Any]) -> None:
    """Each of a worker's steps is one statement: a transaction around it would cost two more round trips."""
    await connection.set_autocommit(True)
