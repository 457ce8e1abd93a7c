"""The job dispatcher `procrastinate`: jobs in the tables of that engine on PostgreSQL, for teams that run it."""

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
