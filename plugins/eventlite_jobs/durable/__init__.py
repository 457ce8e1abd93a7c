"""The job dispatcher `durable`: jobs in the store itself, beside its events, run by any number of processes.

`dispatcher` puts everything together; what all parts of it share is the `desk`.

* In: `orders` are what `enqueue` was asked for, checked; `enqueueing` puts them into the table. While jobs run, a
  `feed` brings more: of triggers (by their `positions`) and of recurring jobs (`schedules`, by `rules`).
* Running: `running` has a `crew` for each call. It takes jobs (`claiming`, as many as the `pace` allows) to the
  `floor`, where `executors` make each `attempt`; `gathering` waits for what comes of them, and `reporting` stores it,
  by `endings` and `settling`. `upkeep` minds time, leases and cancellations, the `roster` knows what still runs.
* Looking after jobs: `management`, by `looking`, `queues`, `statistics` and `history`.
* The tables: `database` says where they are, `schema` makes them by the scripts in `sql`, `session` speaks to
  them in one of two `dialects`, and `rows` says what is in them.
"""

from __future__ import annotations

from eventlite import hookimpl
from eventlite.contracts import Host, JobDispatcher
from eventlite_jobs.durable.dispatcher import DurableDispatcher
from eventlite_jobs.durable.settings import Settings

CONTRACT = 1

__all__ = ["CONTRACT", "DurableDispatcher", "Settings", "eventlite_make_jobs"]


@hookimpl
def eventlite_make_jobs(settings: Settings, host: Host) -> JobDispatcher:
    """Make the dispatcher."""
    return DurableDispatcher(host, settings)
