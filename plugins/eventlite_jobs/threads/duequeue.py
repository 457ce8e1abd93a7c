"""The order in which waiting jobs come up."""

from __future__ import annotations

from heapq import heappop, heappush
from typing import NamedTuple

from eventlite_jobs.threads.records import Record


class _Waiting(NamedTuple):
    """A job that is not due yet; the earliest sorts first."""

    due: int
    number: int
    rank: int
    id: str


class _Ready(NamedTuple):
    """A job that is due; the highest priority sorts first, then the one that was due first."""

    rank: int
    due: int
    number: int
    id: str


class DueQueue:
    """Which job is next: of those that are due, by priority, then in the order in which they came due.

    A job that was cancelled or put back stays in here under its old due time; whoever pops passes it over.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._ready: list[_Ready] = []

    def push(self, record: Record) -> None:
        """Add a pending job."""
        heappush(self._waiting, _Waiting(record.due, record.number, -record.priority, record.id))

    def pop(self, now: int) -> tuple[str, int] | None:
        """Remove the next job that is due; its id and the due time it was pushed with, or None."""
        while self._waiting and self._waiting[0].due <= now:
            job = heappop(self._waiting)
            heappush(self._ready, _Ready(job.rank, job.due, job.number, job.id))
        if not self._ready:
            return None
        ready = heappop(self._ready)
        return ready.id, ready.due
