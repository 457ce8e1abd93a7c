"""One attempt of a job, in the event loop: the worker's function is called, and what comes of it is kept."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from procrastinate import JobContext
from procrastinate.exceptions import JobAborted
from procrastinate.utils import utcnow

from eventlite import JobError
from eventlite.contracts import Host, JobCancelled, Snooze, Transaction
from eventlite.contracts.jobs import undeclared
from eventlite_jobs.backoff import retry_delay
from eventlite_jobs.current import current_job
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.texts import error_text, result_text
from eventlite_jobs.workers import Handler, Workers

_KEEP = """
INSERT INTO eventlite_job_outcomes (job_id, error, result)
SELECT id, %(error)s::text, %(result)s::text FROM procrastinate_jobs WHERE id = %(id)s AND worker_id = %(worker)s
ON CONFLICT (job_id) DO UPDATE SET error = excluded.error, result = excluded.result
WHERE NOT eventlite_job_outcomes.done
RETURNING now() AS now
"""
_IS_DONE = "SELECT 1 FROM eventlite_job_outcomes WHERE job_id = %(id)s AND done"
_END = """
INSERT INTO eventlite_job_outcomes (job_id, result, done)
SELECT id, %(result)s, true FROM procrastinate_jobs
WHERE id = %(id)s AND status = 'doing' AND worker_id = %(worker)s FOR NO KEY UPDATE
ON CONFLICT (job_id) DO UPDATE SET error = NULL, result = excluded.result, done = true
WHERE NOT eventlite_job_outcomes.done
"""


class AttemptFailedError(Exception):
    """Tells procrastinate that an attempt failed, and when the next one is due, if there is one."""

    def __init__(self, retry_at: datetime | None) -> None:
        super().__init__("what it raised is kept with the job")
        self.retry_at = retry_at


class Ending(NamedTuple):
    """What a function returned, or raised."""

    result: Any = None
    error: BaseException | None = None


class CalledJob:
    """What a worker's function is called with; see `eventlite.contracts.RunningJob`."""

    def __init__(self, context: JobContext, host: Host, database: Database) -> None:
        self._context = context
        self._host = host
        self._database = database
        self.id = str(context.job.id)
        self.name = context.job.task_name
        self.queue = context.job.queue
        self.data: dict[str, Any] = context.job.task_kwargs
        self.attempt = context.job.attempts + 1
        #: Whether its own transaction has ended it.
        self.done = False

    @property
    def cancelled(self) -> bool:
        """Whether it was asked to stop."""
        return self._context.should_abort()

    def check(self) -> None:
        """Raise `JobCancelled` if it should stop."""
        if self.cancelled:
            raise JobCancelled("the job was cancelled")

    def progress(self, done: float, note: str = "") -> None:  # noqa: ARG002
        """Not kept by procrastinate."""
        undeclared("progress", "progress of jobs")

    def snooze(self, seconds: float) -> Snooze:  # noqa: ARG002
        """Not known to procrastinate."""
        undeclared("snooze", "way to put a job off")

    @contextmanager
    def transaction(self, result: Any = None) -> Iterator[Transaction]:
        """A transaction of the store that marks the job done; see the contract."""
        job = self._context.job
        with self._host.transaction() as transaction:
            with self._database.inside(transaction) as connection:
                end = {"id": job.id, "worker": job.worker_id, "result": result_text(result)}
                if connection.execute(_END, end).rowcount != 1:
                    raise JobError(f"job {self.id} is not this attempt's any more")
            yield transaction
        self.done = True


class Attempts:
    """Makes attempts for one worker of procrastinate; all but the functions themselves runs in its event loop."""

    def __init__(self, host: Host, database: Database, workers: Workers, threads: Executor) -> None:
        self._host = host
        self._database = database
        self._workers = workers
        self._threads = threads
        #: How many were begun.
        self.count = 0
        #: What a function raised to end the process.
        self.interrupt: BaseException | None = None

    async def make(self, context: JobContext) -> None:
        """Returns when the job is done; raises what procrastinate should make of it otherwise."""
        self.count += 1
        job = CalledJob(context, self._host, self._database)
        if job.attempt > 1 and await _ask(context, _IS_DONE):
            return
        ending = await self._call(job, context)
        if isinstance(ending.error, (KeyboardInterrupt, SystemExit)):
            self.interrupt = ending.error
        if job.done:
            return
        if ending.error is None:
            await _keep_result(context, ending.result)
        elif isinstance(ending.error, JobCancelled) or (context.should_abort() and _is_cancel(ending.error)):
            raise JobAborted
        else:
            await self._fail(job, context, ending.error)

    async def _call(self, job: CalledJob, context: JobContext) -> Ending:
        worker = self._workers.get(job.name)
        if worker is None:
            return Ending(error=self._workers.unknown(job.name))
        if inspect.iscoroutinefunction(worker.handler):
            return await _call_here(worker.handler, job)
        return await _call_in_thread(worker.handler, job, context, self._threads)

    async def _fail(self, job: CalledJob, context: JobContext, error: BaseException) -> None:
        """Keep the error, and tell procrastinate whether there are attempts left."""
        kept = await _keep(context, error=error_text(error), result=None)
        if job.attempt >= self._workers.patience(job.name):
            raise AttemptFailedError(None)
        raise AttemptFailedError((kept or utcnow()) + timedelta(seconds=retry_delay(job.attempt)))


async def _call_here(handler: Handler, job: CalledJob) -> Ending:
    current_job.set(job.id)
    try:
        return Ending(await handler(job))
    except BaseException as error:  # whatever a handler raises is kept with its job
        return Ending(error=error)


async def _call_in_thread(handler: Handler, job: CalledJob, context: JobContext, threads: Executor) -> Ending:
    """A function that is asked to stop is waited for all the same: it alone knows when it can."""
    ending = asyncio.get_running_loop().run_in_executor(threads, _call, handler, job)
    while True:
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            if ending.cancelled() or not context.should_abort():
                raise


def _call(handler: Handler, job: CalledJob) -> Ending:
    current_job.set(job.id)
    try:
        return Ending(handler(job))
    except BaseException as error:  # whatever a handler raises is kept with its job
        return Ending(error=error)


def _is_cancel(error: BaseException) -> bool:
    return isinstance(error, asyncio.CancelledError)


async def _keep_result(context: JobContext, result: Any) -> None:
    """What there is to keep; of a first attempt that returned nothing there is none."""
    if result is not None or context.job.attempts:
        await _keep(context, error=None, result=result_text(result))


async def _keep(context: JobContext, *, error: str | None, result: str | None) -> datetime | None:
    """Keep what came of the attempt, unless its worker was taken for lost or it is done; the database's time then."""
    kept = await _ask(context, _KEEP, worker=context.job.worker_id, error=error, result=result)
    moment: datetime | None = kept[0]["now"] if kept else None
    return moment


async def _ask(context: JobContext, query: str, **values: Any) -> list[dict[str, Any]]:
    connector: Any = context.app.connector
    found: list[dict[str, Any]] = await connector.execute_query_all_async(query, id=context.job.id, **values)
    return found
