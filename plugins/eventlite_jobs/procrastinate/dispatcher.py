"""The dispatcher: EventLite's contract, kept by procrastinate."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from typing import Any

import psycopg
from procrastinate.jobs import Job as EngineJob

from eventlite import JobError
from eventlite.contracts import (
    DEFAULT_QUEUE,
    Host,
    Job,
    JobCapabilities,
    JobDispatcher,
    JobInfo,
    QueueInfo,
    Transaction,
)
from eventlite.contracts.jobs import undeclared
from eventlite.event import Row, from_microseconds, to_microseconds
from eventlite.jsontext import decode_object
from eventlite_jobs import checks
from eventlite_jobs.current import current_job
from eventlite_jobs.positions import Positions
from eventlite_jobs.procrastinate import looking, lost
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.procrastinate.positions import Ledger, job_of
from eventlite_jobs.procrastinate.settings import Settings
from eventlite_jobs.procrastinate.shift import Shift
from eventlite_jobs.refusals import closed, inline_after
from eventlite_jobs.texts import number
from eventlite_jobs.triggers import Mapper, Trigger, Triggers, new_trigger
from eventlite_jobs.workers import Handler, Workers

#: The longest name that procrastinate's tables take.
_MAX_NAME = 128


class ProcrastinateDispatcher(JobDispatcher):
    """A `JobDispatcher` over procrastinate's tables; see the contract. Connects when it is first used.

    Raises `JobError` where neither the settings nor the storage lead to a PostgreSQL server.
    """

    def __init__(self, host: Host, settings: Settings) -> None:
        if settings.dsn is None and host.storage.capabilities.sql != "postgresql":
            raise JobError(
                "procrastinate needs a PostgreSQL server, and the storage is on none",
                hint='Give a `dsn` in [jobs], or take `plugin = "postgres"` in [storage].',
            )
        self._host = host
        self._settings = settings
        self._database = Database(host, settings)
        self._workers = Workers()
        self._positions = Positions(Ledger(self._database))
        self._triggers = Triggers(host, self._positions.take)
        self._changed = threading.Condition()
        self._shifts: set[Shift] = set()
        self._closing = False

    @property
    def capabilities(self) -> JobCapabilities:
        """What procrastinate can do; transactional where it is in the database of the store."""
        return JobCapabilities(
            durable=True,
            transactional=self._database.shared and self._host.storage.capabilities.transactional,
            asynchronous=True,
            cancels_running=True,
            queues=True,
            work_loop=True,
            max_name=_MAX_NAME,
        )

    # --- what runs

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None, process: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function, plain or async, for jobs of that name; see the contract."""
        checks.checked_name(name, "the worker's name", _MAX_NAME)
        checks.checked_retries(retries)
        if timeout is not None:
            undeclared("timeouts", "timeout for workers")
        if process:
            undeclared("processes", "processes for workers")

        def register(handler: Handler) -> Handler:
            checks.check_callable(handler, f"the worker {name!r}")
            self._workers.add(name, handler, retries=retries)
            return handler

        return register

    def on_event(
        self,
        cmd: str,
        job: str,
        mapper: Mapper,
        *,
        name: str | None = None,
        after: int | None = None,
        inline: bool = False,
    ) -> None:
        """Enqueue `job` for every event of that command; see the contract."""
        trigger = new_trigger(cmd, job, mapper, name, _MAX_NAME)
        if inline:
            self._trigger_inline(trigger, after)
            return
        start = self._triggers.start_position(after)
        self._workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)
        trigger.cursor = self._positions.begin(trigger.name, start)
        self._triggers.start(trigger)

    def _trigger_inline(self, trigger: Trigger, after: int | None) -> None:
        if not self.capabilities.transactional:
            undeclared("transactional", "inline triggers")
        if after is not None:
            raise inline_after()
        self._workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)
        self._host.inside_appends(partial(self._serve_inside, trigger))

    def _serve_inside(self, trigger: Trigger, transaction: Transaction, rows: Sequence[Row]) -> None:
        found = [self._triggers.mapped(trigger, row) for row in rows if row[5] in (trigger.query.cmd or ())]
        jobs = [job_of(one) for one in found if one is not None]
        if jobs:
            with self._database.inside(transaction) as connection:
                self._database.defer(connection, jobs)

    def _serve_again(self, trigger: Trigger, job: Job) -> None:
        wanted = self._triggers.map_again(trigger, job)
        if wanted is not None:
            with self._database.connection() as connection:
                self._database.defer(connection, [job_of(wanted)])

    # --- putting jobs in

    def enqueue(
        self,
        job: str,
        data: dict[str, Any] | None = None,
        *,
        delay: float = 0,
        priority: int = 0,
        run_at: datetime | None = None,
        queue: str = DEFAULT_QUEUE,
        unique: str | bool = False,
        transaction: Transaction | None = None,
    ) -> str:
        """Put a job in the queue and return its id; see the contract."""
        if unique is not False:
            undeclared("unique", "unique jobs")
        (id,) = self._enqueue(job, [data], delay, priority, run_at, queue, transaction)
        return id

    def enqueue_many(
        self,
        job: str,
        datas: Iterable[dict[str, Any]],
        *,
        delay: float = 0,
        priority: int = 0,
        queue: str = DEFAULT_QUEUE,
        transaction: Transaction | None = None,
    ) -> builtins.list[str]:
        """Put many jobs of one name in the queue, all or nothing; their ids."""
        return self._enqueue(job, datas, delay, priority, None, queue, transaction)

    def _enqueue(
        self,
        job: str,
        datas: Iterable[dict[str, Any] | None],
        delay: float,
        priority: int,
        run_at: datetime | None,
        queue: str,
        transaction: Transaction | None,
    ) -> builtins.list[str]:
        order = EngineJob(
            task_name=checks.checked_name(job, "job", _MAX_NAME),
            queue=_queue(queue),
            priority=checks.checked_priority(priority),
            lock=None,
            queueing_lock=None,
        )
        arguments = [decode_object(checks.data_text(data)) for data in datas]
        wait, at_once = checks.delay_microseconds(delay), run_at is None and not delay
        with self._connected(transaction, at_once) as connection:
            due = None if at_once else _due(connection, wait, run_at)
            return self._database.defer(
                connection, [order.evolve(task_kwargs=one, scheduled_at=due) for one in arguments]
            )

    def _connected(
        self, transaction: Transaction | None, at_once: bool
    ) -> AbstractContextManager[psycopg.Connection[Any]]:
        if transaction is not None:
            return self._database.inside(transaction)
        return self._database.connection() if at_once else self._database.transaction()

    # --- running

    def run_until_idle(self) -> int:
        """Run triggers, then due jobs, until there is neither; returns how many attempts ran."""
        with self._shift(self._settings.workers, self._settings.queues) as shift:
            while True:
                events = self._triggers.catch_up()
                self._take_back(shift, self._settings.queues)
                if not (shift.until_idle() or events) or shift.stopped:
                    break
        if shift.interrupt is not None:
            raise shift.interrupt
        return shift.attempts

    def work(
        self,
        stop: threading.Event,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
    ) -> int:
        """Run triggers and due jobs until `stop` is set; see the contract."""
        if grace is not None:
            undeclared("releases", "way to put running jobs back")
        size = self._settings.workers if concurrency is None else checks.checked_count(concurrency, "concurrency")
        names = self._settings.queues if queues is None else [_queue(queue) for queue in queues]
        with self._shift(size, names) as shift:
            working = shift.begin()
            while not (stop.is_set() or shift.stopped or working.done()):
                self._triggers.catch_up()
                self._take_back(shift, names)
                stop.wait(self._settings.poll)
            shift.stop()
            shift.result(working)
        if shift.interrupt is not None:
            raise shift.interrupt
        return shift.attempts

    def drain(self) -> None:
        """Have every `work` of this process begin no more jobs, and end when those that run are done."""
        for shift in tuple(self._shifts):
            shift.stop()

    def _take_back(self, shift: Shift, queues: Sequence[str] | None) -> None:
        if shift.time_to_look():
            lost.take_back(self._database, self._workers, self._settings.lease, queues)

    @contextmanager
    def _shift(self, size: int, queues: Sequence[str] | None) -> Iterator[Shift]:
        shift = Shift(self._host, self._database, self._settings, self._workers, size, queues, self._changed)
        with self._changed:
            if self._closing:
                raise closed()
            self._shifts.add(shift)
        try:
            self._database.open()
            with shift.open():
                yield shift
        finally:
            with self._changed:
                self._shifts.discard(shift)
                self._changed.notify_all()
                last = self._closing and not self._shifts
            if last:
                self._database.close()

    def close(self) -> None:
        """Begin no more attempts, wait for those that run (but not for the one that calls this), then let go."""
        own = current_job.get()
        with self._changed:
            self._closing = True
            for shift in self._shifts:
                shift.stop()
            self._changed.wait_for(lambda: all(shift.running == {own} for shift in self._shifts))
            busy = bool(self._shifts)
        if not busy:
            self._database.close()

    # --- looking at jobs, and moving them

    def get(self, id: str) -> JobInfo | None:
        """The job of that id, or None."""
        with self._database.connection() as connection:
            row = looking.get(connection, number(id))
        return None if row is None else self._info(row)

    def list(
        self, *, state: str | None = None, limit: int = 100, name: str | None = None, queue: str | None = None
    ) -> builtins.list[JobInfo]:
        """Jobs, the newest first, of one state, name or queue if it is given."""
        if state is not None:
            checks.checked_state(state)
        checks.checked_limit(limit)
        with self._database.connection() as connection:
            rows = looking.newest(connection, limit, state, name, queue)
        return [self._info(row) for row in rows]

    def retry(self, id: str) -> bool:
        """Put a dead or cancelled job back in the queue; whether it was one."""
        with self._database.connection() as connection:
            return looking.revive(connection, number(id))

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue, or ask a running one to stop; whether it was either."""
        with self._database.connection() as connection:
            return self._database.manager.cancel_job_by_id(number(id), abort=True, connection=connection)

    def stats(self) -> dict[str, int]:
        """How many jobs are in each state, and `total`."""
        with self._database.connection() as connection:
            counts = looking.counts(connection)
        return {**counts, "total": sum(counts.values())}

    def queues(self) -> builtins.list[QueueInfo]:
        """The queues that have jobs, by name."""
        with self._database.connection() as connection:
            found = looking.queues(connection)
        return [QueueInfo(name, False, None, pending, running) for name, pending, running in found]

    def _info(self, row: tuple[Any, ...]) -> JobInfo:
        return looking.info(row, self._workers.patience(row[1]))


def _queue(name: str) -> str:
    return checks.checked_name(name, "queue", _MAX_NAME)


def _due(connection: psycopg.Connection[Any], wait: int, run_at: datetime | None) -> datetime:
    """When a job is due by the clock of the database, which stands still in a transaction."""
    row = connection.execute("SELECT now()").fetchone()
    assert row is not None
    now = to_microseconds(row[0])
    if run_at is not None:
        wait = checks.microseconds_until(run_at, now, wait)
    return from_microseconds(now + wait)
