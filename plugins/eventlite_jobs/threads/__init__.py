"""The job dispatcher `threads`: jobs in memory, run by threads of this process when asked, gone when it ends."""

from __future__ import annotations

from eventlite import hookimpl
from eventlite.contracts import Host, JobDispatcher
from eventlite_jobs.threads.dispatcher import ThreadDispatcher
from eventlite_jobs.threads.settings import Settings

CONTRACT = 1

__all__ = ["CONTRACT", "Settings", "ThreadDispatcher", "eventlite_make_jobs"]


@hookimpl
def eventlite_make_jobs(settings: Settings, host: Host) -> JobDispatcher:
    """Make the dispatcher."""
    return ThreadDispatcher(host, workers=settings.workers, history=settings.history)
