"""Which job is being run."""

from __future__ import annotations

from contextvars import ContextVar

#: The id of the job that the present thread or task runs.
current_job: ContextVar[str | None] = ContextVar("eventlite_current_job", default=None)
