"""Events that become jobs: followers that remember in memory how far they have read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from eventlite import Event, InvalidQueryError, JobError, Query
from eventlite.contracts import Host, Job
from eventlite.event import Row
from eventlite.query import check_position

Mapper: TypeAlias = Callable[[Event], dict[str, Any] | None]

#: Events read at once.
BATCH = 1000


@dataclass(slots=True)
class Trigger:
    """Makes a job of every matching event after `cursor`, the position up to which all events are served."""

    name: str
    query: Query
    job: str
    mapper: Mapper
    cursor: int


class Triggers:
    """All triggers of a dispatcher, served by one thread at a time."""

    def __init__(self, host: Host, enqueue: Callable[[str, dict[str, Any]], str]) -> None:
        self._host = host
        self._storage = host.storage
        self._enqueue = enqueue
        self._lock = threading.RLock()
        self._serving = False
        self._triggers: list[Trigger] = []

    def make(self, name: str, cmd: str, job: str, mapper: Mapper, after: int | None) -> Trigger:
        """A trigger for a command from the present head, or from position `after`; raises `InvalidQueryError`."""
        return Trigger(name, Query(cmd=cmd), job, mapper, _start(after, self._storage.head()))

    def start(self, trigger: Trigger) -> None:
        """Serve it from now on."""
        with self._lock:
            self._triggers.append(trigger)

    def catch_up(self) -> int:
        """Serve every trigger up to the present head; how many events that were."""
        with self._lock:
            if self._serving:  # the lock lets its own thread in: only a mapper can have brought it here
                raise JobError("a trigger's mapper cannot run jobs", hint="Do the work in a worker.")
            self._serving = True
            try:
                return sum(self._follow(trigger) for trigger in list(self._triggers))
            finally:
                self._serving = False

    def serve_again(self, trigger: Trigger, job: Job) -> None:
        """Make the job of one event whose mapper failed before."""
        row = self._storage.get(job.data["event"])
        if row is not None:
            self._serve(trigger, row)

    def _follow(self, trigger: Trigger) -> int:
        head, served = self._storage.head(), 0
        while trigger.cursor < head:
            rows = self._storage.read(trigger.query, after=trigger.cursor, before=head + 1, limit=BATCH)
            for row in rows:
                self._serve_or_keep(trigger, row)
                trigger.cursor = row[0]
            if len(rows) < BATCH:
                trigger.cursor = head
            served += len(rows)
        return served

    def _serve_or_keep(self, trigger: Trigger, row: Row) -> None:
        try:
            self._serve(trigger, row)
        except Exception:  # becomes a job of its own, so that neither this event is lost nor the next one held up
            self._enqueue(trigger.name, {"event": row[0]})

    def _serve(self, trigger: Trigger, row: Row) -> None:
        (event,) = self._host.events([row])
        data = trigger.mapper(event)
        if data is not None:
            self._enqueue(trigger.job, data)


def _start(after: int | None, head: int) -> int:
    if after is None:
        return head
    check_position(after, "after")
    if after > head:
        raise InvalidQueryError(f"after is {after}, beyond the head, {head}", hint="Leave it out to start at the head.")
    return after
