"""The job dispatcher `procrastinate`: jobs in the tables of that engine on PostgreSQL, for teams that run it.

`dispatcher` puts everything together.

* In: `enqueueing` checks what is asked for and puts it in. While jobs run, triggers bring more, by their `positions`.
* Running: `running` has a `shift` for each call, at which the engine's own worker runs. `tasks` are what it takes our
  workers for, an `attempt` calls one of them, and what belonged to a `lost` worker is taken back.
* Looking after jobs: `management`, by `looking`.
* The tables: `connecting` says how they are reached, `tables` makes them, `database` speaks to them, and `failures`
  tells what they refuse.
"""

from __future__ import annotations

import procrastinate  # noqa: F401 - so that a missing one is told when the plugin is loaded, with the extra that brings it

from eventlite import hookimpl
from eventlite.contracts import Host, JobDispatcher
from eventlite_jobs.procrastinate.dispatcher import ProcrastinateDispatcher
from eventlite_jobs.procrastinate.settings import Settings

CONTRACT = 1

__all__ = ["CONTRACT", "ProcrastinateDispatcher", "Settings", "eventlite_make_jobs"]


@hookimpl
def eventlite_make_jobs(settings: Settings, host: Host) -> JobDispatcher:
    """Make the dispatcher."""
    return ProcrastinateDispatcher(host, settings)
