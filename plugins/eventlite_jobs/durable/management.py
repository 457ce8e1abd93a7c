"""The part of the dispatcher that looks at jobs and queues, and moves them from state to state."""

from __future__ import annotations

import builtins
from functools import cached_property
from typing import Any

from eventlite import JobError
from eventlite.contracts import Host, JobDispatcher, JobInfo, JobStatistics, QueueInfo
from eventlite.contracts.jobs import JOB_STATES
from eventlite_jobs import checks
from eventlite_jobs.checks import checked_name
from eventlite_jobs.durable import looking, queues
from eventlite_jobs.durable.database import Database
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.history import prune
from eventlite_jobs.durable.rows import info
from eventlite_jobs.durable.running import Crews
from eventlite_jobs.durable.settings import Settings
from eventlite_jobs.durable.statistics import empty, statistics
from eventlite_jobs.ids import number


class Management(JobDispatcher):
    """What needs neither workers nor triggers. Nothing of the store is touched before it is used."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self._host = host
        self._settings = settings
        self._crews = Crews(lambda: self._desk)

    @cached_property
    def _desk(self) -> Desk:
        return Desk(self._host, Database(self._host), self._settings)

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
        self._crews.wake()
        return revived

    def cancel(self, id: str) -> bool:
        """Take a pending job out of the queue, or ask a running one to stop; whether it was either."""
        with self._desk.database.writing() as session:
            was = looking.cancel(session, number(id), self._desk.now())
        if was == "running":
            self._crews.cancel(id)
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
        return prune(
            self._desk, settings.history if history is None else history, settings.keep if keep is None else keep
        )

    def pause(self, queue: str) -> None:
        """Begin no more jobs of a queue, in any process."""
        self._set_paused(queue, True)

    def resume(self, queue: str) -> None:
        """Go on with a queue."""
        self._set_paused(queue, False)
        self._crews.wake()

    def _set_paused(self, queue: str, paused: bool) -> None:
        checked_name(queue, "queue")
        with self._desk.database.writing() as session:
            queues.set_paused(session, queue, paused)
        self._crews.give_back(lambda claim: claim.queue == queue)

    def limit(self, queue: str, jobs: int | None) -> None:
        """Let so many jobs of a queue run at once, over all processes."""
        checked_name(queue, "queue")
        most = None if jobs is None else checks.checked_count(jobs, "the limit")
        with self._desk.database.writing() as session:
            queues.set_limit(session, queue, most)
        self._crews.give_back(lambda claim: claim.queue == queue)
        self._crews.wake()

    def queues(self) -> builtins.list[QueueInfo]:
        """The queues that were used, by name."""
        with self._desk.database.reading() as session:
            return [] if session is None else queues.listed(session)

    def _info(self, row: tuple[Any, ...]) -> JobInfo:
        return info(row, self._desk.known_attempts(row[1]))
