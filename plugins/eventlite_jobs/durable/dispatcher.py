"""The dispatcher: puts tables, workers, triggers and schedules together."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from eventlite import JobError
from eventlite.contracts import DEFAULT_QUEUE, JobCapabilities, ScheduleInfo, Transaction
from eventlite.contracts.jobs import meanings
from eventlite_jobs import checks
from eventlite_jobs.checks import checked_name
from eventlite_jobs.durable.enqueueing import insert
from eventlite_jobs.durable.feed import Feed
from eventlite_jobs.durable.management import Management
from eventlite_jobs.durable.orders import Order, ordered
from eventlite_jobs.durable.positions import TriggerTable
from eventlite_jobs.durable.rows import rank
from eventlite_jobs.durable.schedules import Schedule, Schedules
from eventlite_jobs.followers import Followers
from eventlite_jobs.refusals import inline_after
from eventlite_jobs.triggers import Mapper, new_trigger
from eventlite_jobs.workers import Handler


class DurableDispatcher(Management):
    """A `JobDispatcher` over the tables of the host's store; see the contract."""

    @cached_property
    def _followers(self) -> Followers:
        return Followers(self._host, self._desk.workers, TriggerTable(self._desk, self._crews.wake))

    @cached_property
    def _schedules(self) -> Schedules:
        return Schedules(self._desk, self._crews.wake)

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
        trigger = new_trigger(cmd, job, mapper, name)
        if not inline:
            self._followers.add(trigger, after)
        elif after is not None:
            raise inline_after()
        elif not self.capabilities.transactional:
            raise JobError(
                "this storage cannot make jobs inside an append", hint="Leave out `inline`, or use another storage."
            )
        else:
            self._followers.add_inline(trigger)

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
        self._crews.check_not_closed()
        now = self._desk.now()
        order = ordered(
            self._desk, job, data, now=now, delay=delay, priority=priority, run_at=run_at, queue=queue, unique=unique
        )
        with self._desk.database.writing(transaction) as session:
            id = str(insert(session, order, now))
        self._announce([order], now)
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
        self._crews.check_not_closed()
        now = self._desk.now()
        orders = [
            ordered(self._desk, job, data, now=now, delay=delay, priority=priority, queue=queue) for data in datas
        ]
        with self._desk.database.writing(transaction) as session:
            ids = [str(insert(session, order, now)) for order in orders]
        self._announce(orders[:1], now)
        return ids

    def _announce(self, orders: Sequence[Order], now: int) -> None:
        for order in orders:
            if order.due is None or order.due <= now:
                self._crews.make_way(rank(now, order.priority))
        self._crews.wake()

    # --- running

    def run_until_idle(self) -> int:
        """Run triggers, then due jobs, until there is neither; returns how many attempts ran."""
        return self._crews.until_idle(self._follow)

    def work(
        self,
        stop: threading.Event,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
    ) -> int:
        """Run triggers, schedules and due jobs until `stop` is set; see the contract."""
        size = self._settings.workers if concurrency is None else checks.checked_count(concurrency, "concurrency")
        names = None if queues is None else [checked_name(queue, "queue") for queue in queues]
        return self._crews.until(stop, Feed(self._follow, self._schedules.planned), names, size, grace)

    def drain(self) -> None:
        """Have every `work` of this process begin no more jobs, and end when those that run are done."""
        self._crews.drain()

    def stop_now(self) -> None:
        """Have every `work` of this process put its running jobs back, and end."""
        self._crews.stop_now()

    def close(self) -> None:
        """Stop; running jobs are waited for, pending ones stay in the store."""
        self._crews.close()

    def _follow(self) -> int:
        return self._followers.catch_up() + self._schedules.fire()
