"""The dispatcher: puts tables, workers, triggers and shifts together to keep EventLite's contract."""

from __future__ import annotations

import builtins
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from eventlite.contracts import DEFAULT_QUEUE, Host, JobCapabilities, Transaction
from eventlite.contracts.jobs import undeclared
from eventlite_jobs import checks
from eventlite_jobs.followers import Followers
from eventlite_jobs.procrastinate.enqueueing import enqueue
from eventlite_jobs.procrastinate.management import Management
from eventlite_jobs.procrastinate.positions import TriggerTable
from eventlite_jobs.procrastinate.running import Shifts
from eventlite_jobs.procrastinate.settings import Settings
from eventlite_jobs.procrastinate.tables import MAX_NAME
from eventlite_jobs.refusals import inline_after
from eventlite_jobs.triggers import Mapper, new_trigger
from eventlite_jobs.workers import Handler


class ProcrastinateDispatcher(Management):
    """A `JobDispatcher` over procrastinate's tables; see the contract. Connects when it is first used."""

    def __init__(self, host: Host, settings: Settings) -> None:
        super().__init__(host, settings)
        self._shifts = Shifts(host, self._database, settings, self._workers)
        self._followers = Followers(host, self._workers, TriggerTable(self._database))

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
            max_name=MAX_NAME,
        )

    # --- what runs

    def worker(
        self, name: str, *, retries: int = 0, timeout: float | None = None, process: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function, plain or async, for jobs of that name; see the contract."""
        checks.checked_name(name, "the worker's name", MAX_NAME)
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
        trigger = new_trigger(cmd, job, mapper, name, MAX_NAME)
        if not inline:
            self._followers.add(trigger, after)
        elif not self.capabilities.transactional:
            undeclared("transactional", "inline triggers")
        elif after is not None:
            raise inline_after()
        else:
            self._followers.add_inline(trigger)

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
        (id,) = enqueue(
            self._database,
            job,
            [data],
            delay=delay,
            priority=priority,
            run_at=run_at,
            queue=queue,
            transaction=transaction,
        )
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
        return enqueue(self._database, job, datas, delay=delay, priority=priority, queue=queue, transaction=transaction)

    # --- running

    def run_until_idle(self) -> int:
        """Run triggers, then due jobs, until there is neither; returns how many attempts ran."""
        return self._shifts.until_idle(self._followers.catch_up)

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
        names = self._settings.queues
        if queues is not None:
            names = tuple(checks.checked_name(queue, "queue", MAX_NAME) for queue in queues)
        return self._shifts.until(stop, self._followers.catch_up, names, size)

    def drain(self) -> None:
        """Have every `work` of this process begin no more jobs, and end when those that run are done."""
        self._shifts.drain()

    def close(self) -> None:
        """Begin no more attempts, wait for those that run (but not for the one that calls this), then let go."""
        self._shifts.close()
