"""The job dispatcher `durable`: jobs in the store itself, beside its events, run by any number of processes."""

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
