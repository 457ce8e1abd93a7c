"""What a dispatcher may offer beyond the mandatory part; whatever it does not override is refused with a `JobError`."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import timedelta
from threading import Event as Flag
from typing import Any, Protocol

from eventlite.contracts.job_capabilities import undeclared
from eventlite.contracts.job_views import DEFAULT_QUEUE, JobStatistics, QueueInfo, ScheduleInfo


class JobExtras(Protocol):
    """A method's capability is in brackets; a dispatcher that declares it overrides the method."""

    def work(
        self,
        stop: Flag,
        *,
        queues: Sequence[str] | None = None,
        concurrency: int | None = None,
        grace: float | None = None,
    ) -> int:
        """Run triggers, schedules and due jobs until `stop` is set; how many attempts ran (`work_loop`).

        Then begins no more jobs and waits for those that run, with `grace` (`releases`) so many seconds at most: those
        left are put back. A signal handler may set `stop`.
        """
        undeclared("work_loop", "work loop")

    def drain(self) -> None:
        """Have every `work` of this process end as if its `stop` were set; fit for a signal handler (`work_loop`)."""
        undeclared("work_loop", "work loop")

    def stop_now(self) -> None:
        """Have every `work` of this process put its running jobs back and end; fit for signals, too (`releases`)."""
        undeclared("releases", "way to put running jobs back")

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
        """Enqueue a job at the times of a cron expression, or every so many seconds, from now on (`recurring`).

        The schedule is kept under `name` (else the job's name), in the store; of several processes that register it one
        enqueues each occurrence. After a downtime one occurrence is made up for, and no more.
        """
        undeclared("recurring", "recurring jobs")

    def schedules(self) -> builtins.list[ScheduleInfo]:
        """The recurring jobs in the store, by name (`recurring`)."""
        undeclared("recurring", "recurring jobs")

    def unschedule(self, name: str) -> bool:
        """Forget a recurring job; whether there was one (`recurring`)."""
        undeclared("recurring", "recurring jobs")

    def pause(self, queue: str) -> None:
        """Begin no more jobs of a queue, in any process (`pausing`)."""
        undeclared("pausing", "queues that can be paused")

    def resume(self, queue: str) -> None:
        """Go on with a queue (`pausing`)."""
        undeclared("pausing", "queues that can be paused")

    def limit(self, queue: str, jobs: int | None) -> None:
        """Let so many jobs of a queue run at once, over all processes; None is no limit (`pausing`)."""
        undeclared("pausing", "queues that can be limited")

    def queues(self) -> builtins.list[QueueInfo]:
        """The queues that were used, by name (`queues`)."""
        undeclared("queues", "queues")

    def statistics(self, window: float = 3600.0) -> JobStatistics:
        """What `stats` counts and more, rates and times over the last `window` seconds (`statistics`)."""
        undeclared("statistics", "statistics")

    def prune(self, *, history: int | None = None, keep: float | None = None) -> int:
        """Forget finished jobs beyond the newest `history` of each state, and older than `keep` seconds (`history`).

        None is the profile's setting. Returns how many were forgotten.
        """
        undeclared("history", "history")
