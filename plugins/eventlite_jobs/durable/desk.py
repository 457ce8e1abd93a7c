"""What everything that handles jobs of one dispatcher shares."""

from __future__ import annotations

from dataclasses import dataclass, field

from eventlite.contracts import Host
from eventlite_jobs.durable.database import Database
from eventlite_jobs.durable.roster import Roster
from eventlite_jobs.durable.settings import Settings
from eventlite_jobs.workers import Workers


@dataclass(frozen=True, slots=True)
class Desk:
    """Time, tables, workers and settings."""

    host: Host
    database: Database
    settings: Settings
    workers: Workers = field(default_factory=Workers)
    roster: Roster = field(default_factory=Roster)

    def now(self) -> int:
        """Microseconds since the epoch."""
        return self.host.clock()

    @property
    def lease(self) -> int:
        """For how many microseconds a claim is good."""
        return round(self.settings.lease * 1_000_000)

    def known_attempts(self, name: str) -> int | None:
        """How many attempts the worker of that name gives its jobs; None without one."""
        worker = self.workers.get(name)
        return None if worker is None else worker.max_attempts

    def max_attempts(self, name: str) -> int:
        """The same, with a number of our own where there is no worker."""
        return self.workers.patience(name)
