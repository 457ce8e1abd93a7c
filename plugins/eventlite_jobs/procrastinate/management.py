"""The part of the dispatcher that looks at jobs and queues, and moves them from state to state."""

from __future__ import annotations

import builtins
from typing import Any

from eventlite import JobError
from eventlite.contracts import Host, JobDispatcher, JobInfo, QueueInfo
from eventlite_jobs import checks
from eventlite_jobs.ids import number
from eventlite_jobs.procrastinate import looking
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.procrastinate.settings import Settings
from eventlite_jobs.workers import Workers


class Management(JobDispatcher):
    """What needs neither shifts nor triggers.

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
