"""The dispatcher: puts tables, workers, triggers and schedules together."""

from __future__ import annotations

import builtins
import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from typing import Any

from eventlite import JobError, Query
from eventlite.contracts import (
    DEFAULT_QUEUE,
    Host,
    Job,
    JobCapabilities,
    JobDispatcher,
    JobInfo,
    JobStatistics,
    QueueInfo,
    ScheduleInfo,
    Transaction,
)
from eventlite.contracts.jobs import JOB_STATES, meanings
from eventlite.jsontext import canonical, loads
from eventlite_jobs import checks
from eventlite_jobs.checks import checked_name
from eventlite_jobs.current import current_job
from eventlite_jobs.durable import history, looking, queues
from eventlite_jobs.durable.crew import Crew
from eventlite_jobs.durable.database import Database
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.enqueueing import Order, insert
from eventlite_jobs.durable.followers import InlineTrigger, Positions
from eventlite_jobs.durable.rows import info, number
from eventlite_jobs.durable.schedules import Schedule, Schedules
from eventlite_jobs.durable.settings import Settings
from eventlite_jobs.durable.statistics import empty, statistics
from eventlite_jobs.triggers import Mapper, Trigger, Triggers
from eventlite_jobs.workers import Handler


class DurableDispatcher(JobDispatcher):
    """A `JobDispatcher` over the tables of the host's store; see the contract. Nothing is touched before it is used."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host = host
        self._settings = settings
        self._crews: set[Crew] = set()
        self._lock = threading.Lock()
        self._state = "open"

    @cached_property
    def _desk(self) -> Desk:
        return Desk(self._host, Database(self._host), self._settings)

    @cached_property
    def _pruner(self) -> history.Pruner:
        return history.Pruner(self._desk)

    @cached_property
    def _positions(self) -> Positions:
        return Positions(self._desk, self._wake)

    @cached_property
    def _triggers(self) -> Triggers:
        return Triggers(self._host, self._positions.take)

    @cached_property
    def _schedules(self) -> Schedules:
        return Schedules(self._desk, self._wake)

    @property
    def capabilities(self) -> JobCapabilities:
        """Everything; jobs are durable and transactional where they are in a store that has SQL."""
        storage = self._host.storage.capabilities
        everything = JobCapabilities(**dict.fromkeys(meanings(), True))
        return replace(
            everything,
            durable=storage.sql is not None and storage.persistent,
            transactional=storage.sql is not None and storage.transactional,
        )

    # --- what runs

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None, process: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function, plain or async, for jobs of that name; see the contract.

        A plain function that overruns its timeout has failed, but goes on in its thread until it returns: it finds out
        with `job.check()`, and what it does in `job.transaction` from then on is refused. An async one is cancelled.
        """
        checked_name(name, "the worker's name")
        checks.checked_retries(retries)
        checks.checked_timeout(timeout)

        def register(handler: Handler) -> Handler:
            checks.check_callable(handler, f"the worker {name!r}")
            if process:
                checks.check_importable(handler, f"the worker {name!r}")
            self._desk.workers.add(name, handler, retries=retries, timeout=timeout, process=process)
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
        checked_name(cmd, "cmd")
        checked_name(job, "job")
        title = checked_name(f"{cmd}→{job}" if name is None else name, "the trigger's name")
        checks.check_plain(mapper, f"the mapper of {title!r}")
        if inline:
            self._trigger_inline(Trigger(title, Query(cmd=cmd), job, mapper, 0), after)
            return
        trigger = Trigger(title, Query(cmd=cmd), job, mapper, self._triggers.start_position(after))
        self._desk.workers.add(title, partial(self._serve_again, trigger), retries=0)
        trigger.cursor = self._positions.begin(title, trigger.cursor)
        self._triggers.start(trigger)

    def _trigger_inline(self, trigger: Trigger, after: int | None) -> None:
        if after is not None:
            raise JobError("an inline trigger serves the appends to come", hint="Leave out `after` or `inline`.")
        if not self.capabilities.transactional:
            raise JobError(
                "this storage cannot make jobs inside an append", hint="Leave out `inline`, or use another storage."
            )
        self._desk.workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)
        self._host.inside_appends(InlineTrigger(self._desk, self._triggers, trigger, self._wake))

    def _serve_again(self, trigger: Trigger, job: Job) -> None:
        wanted = self._triggers.map_again(trigger, job)
        if wanted is not None:
            with self._desk.database.writing() as session:
                insert(session, self._positions.order(wanted), self._desk.now())
            self._wake()

    def recurring(
        self,
        job: str,
        data: dict[str, Any] | None = None,
        *,
        cron: str | None = None,
        every: float | timedelta | None = None,
        timezone: str = "UTC",
        name: str | None = None,
        priority: int = 0,
        queue: str = DEFAULT_QUEUE,
    ) -> None:
        """Enqueue a job again and again; see the contract.

        An occurrence that comes while the job of the last one is unfinished is left out.
        """
        from eventlite_jobs.durable.rules import cron_rule, every_rule

        if (cron is None) == (every is None):
            raise JobError("a recurring job has either `cron` or `every`", hint='cron="0 6 * * *", or every=3600.')
        checked_name(job, "job")
        title = checked_name(job if name is None else name, "the recurring job's name")
        rule = every_rule(every) if cron is None else cron_rule(cron, timezone, self._desk.now())
        order = Order(
            job,
            checks.data_text(data),
            self._desk.max_attempts(job),
            priority=checks.checked_priority(priority),
            queue=checked_name(queue, "queue"),
            unique=f"recurring:{title}",
        )
        self._schedules.add(Schedule(title, order, rule))

    def schedules(self) -> builtins.list[ScheduleInfo]:
        """The recurring jobs in the store, by name."""
        return self._schedules.list()

    def unschedule(self, name: str) -> bool:
        """Forget a recurring job; whether there was one."""
        return self._schedules.remove(name)

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
        order, now = self._order(job, data, delay, priority, run_at, queue, unique)
        with self._enqueueing(transaction) as session:
            return str(insert(session, order, now))

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
        orders = [self._order(job, data, delay, priority, None, queue, False) for data in datas]
        with self._enqueueing(transaction) as session:
            return [str(insert(session, order, now)) for order, now in orders]

    @contextmanager
    def _enqueueing(self, transaction: Transaction | None) -> Iterator[Any]:
        if self._state == "closed":
            raise _closed()
        with self._desk.database.writing(transaction) as session:
            yield session
        self._wake()

    def _order(
        self,
        job: str,
        data: dict[str, Any] | None,
        delay: float,
        priority: int,
        run_at: datetime | None,
        queue: str,
        unique: str | bool,
    ) -> tuple[Order, int]:
        checked_name(job, "job")
        if queue != DEFAULT_QUEUE:
            checked_name(queue, "queue")
        text, now = checks.data_text(data), self._desk.now()
        wait = checks.delay_microseconds(delay) if run_at is None else checks.microseconds_until(run_at, now, delay)
        rank = checks.checked_priority(priority)
        attempts = self._desk.max_attempts(job)
        return Order(job, text, attempts, now + wait, rank, queue, _uniqueness(unique, text)), now

    # --- running

    def run_until_idle(self) -> int:
        """Run triggers, then due jobs, until there is neither; returns how many attempts ran."""
        self._check_open()
        attempts = 0
        while True:
            made = self._follow()
            with self._crew(self._settings.workers, None) as crew:
                ran = crew.until_idle()
            attempts += ran
            if (not made and not ran) or self._state != "open":
                return attempts

    def work(
        self,
        stop: threading.Event,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
    ) -> int:
        """Run triggers, schedules and due jobs until `stop` is set; see the contract."""
        self._check_open()
        size = self._settings.workers if concurrency is None else checks.checked_count(concurrency, "concurrency")
        names = None if queues is None else [checked_name(queue, "queue") for queue in queues]
        with self._crew(size, names) as crew:
            return crew.until(stop, self._follow, grace)

    def drain(self) -> None:
        """Have every `work` of this process begin no more jobs, and end when those that run are done."""
        for crew in tuple(self._crews):
            crew.drain()

    def stop_now(self) -> None:
        """Have every `work` of this process put its running jobs back, and end."""
        for crew in tuple(self._crews):
            crew.stop_now()

    def _follow(self) -> int:
        return self._triggers.catch_up() + self._schedules.fire()

    @contextmanager
    def _crew(self, size: int, names: Sequence[str] | None) -> Iterator[Crew]:
        crew = Crew(self._desk, self._pruner, size, names)
        with self._lock:
            if self._state != "open":
                crew.drain()
            self._crews.add(crew)
        try:
            yield crew
        finally:
            with self._lock:
                self._crews.discard(crew)

    def _wake(self) -> None:
        for crew in tuple(self._crews):
            crew.wake()

    def _check_open(self) -> None:
        if self._state != "open":
            raise _closed()

    # --- looking at jobs, and moving them

    def get(self, id: str) -> JobInfo | None:
        """The job of that id, or None."""
        with self._desk.database.reading() as session:
            row = None if session is None else looking.get(session, number(id))
        return None if row is None else self._info(row)

    def list(
        self, *, state: str | None = None, limit: int = 100, name: str | None = None, queue: str | None = None
    ) -> builtins.list[JobInfo]:
        """Jobs, the newest first, of one state, name or queue if it is given."""
        if state is not None:
            checks.checked_state(state)
        checks.checked_limit(limit)
        with self._desk.database.reading() as session:
            rows = [] if session is None else looking.newest(session, limit, state, name, queue)
        return [self._info(row) for row in rows]

    def retry(self, id: str) -> bool:
        """Put a dead or cancelled job back in the queue; whether it was one."""
        with self._desk.database.writing() as session:
            revived = looking.revive(session, number(id), self._desk.now())
        self._wake()
        return revived

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue, or ask a running one to stop; whether it was either."""
        with self._desk.database.writing() as session:
            was = looking.cancel(session, number(id), self._desk.now())
        if was == "running":
            for crew in tuple(self._crews):
                crew.cancel(id)
        return was != ""

    def stats(self) -> dict[str, int]:
        """How many jobs are in each state, and `total`."""
        with self._desk.database.reading() as session:
            counts = dict.fromkeys(JOB_STATES, 0) if session is None else looking.counts(session)
        return {**counts, "total": sum(counts.values())}

    def statistics(self, window: float = 3600.0) -> JobStatistics:
        """What `stats` counts and more, over the last `window` seconds; see the contract."""
        if type(window) not in (int, float) or not 0 < window <= checks.MAX_DELAY:
            raise JobError(f"window must be seconds above 0, not {window!r}")
        with self._desk.database.reading() as session:
            return empty() if session is None else statistics(session, self._desk.now(), window)

    def prune(self, *, history: int | None = None, keep: float | None = None) -> int:
        """Forget finished jobs; see the contract."""
        settings = self._settings
        return _prune(
            self._desk, settings.history if history is None else history, settings.keep if keep is None else keep
        )

    def pause(self, queue: str) -> None:
        """Begin no more jobs of a queue, in any process."""
        self._set_paused(queue, True)

    def resume(self, queue: str) -> None:
        """Go on with a queue."""
        self._set_paused(queue, False)
        self._wake()

    def _set_paused(self, queue: str, paused: bool) -> None:
        checked_name(queue, "queue")
        with self._desk.database.writing() as session:
            queues.set_paused(session, queue, paused)

    def limit(self, queue: str, jobs: int | None) -> None:
        """Let so many jobs of a queue run at once, over all processes."""
        checked_name(queue, "queue")
        most = None if jobs is None else checks.checked_count(jobs, "the limit")
        with self._desk.database.writing() as session:
            queues.set_limit(session, queue, most)
        self._wake()

    def queues(self) -> builtins.list[QueueInfo]:
        """The queues that were used, by name."""
        with self._desk.database.reading() as session:
            return [] if session is None else queues.listed(session)

    def close(self) -> None:
        """Stop; running jobs are waited for, pending ones stay in the store."""
        with self._lock:
            if self._state != "open":
                return
            self._state = "closing"
        self.drain()
        self._desk.roster.wait_for_all_but(current_job.get())
        self._state = "closed"

    def _info(self, row: tuple[Any, ...]) -> JobInfo:
        return info(row, self._desk.known_attempts(row[1]))


_prune = history.prune


def _closed() -> JobError:
    return JobError("the job dispatcher is closed", hint="Use it before its kernel is closed.")


def _uniqueness(unique: str | bool, data: str) -> str | None:
    """What no other unfinished job of the name may have."""
    if unique is False:
        return None
    if unique is True:
        return f"data:{hashlib.sha256(canonical(loads(data))).hexdigest()}"
    return checked_name(unique, "unique")
