"""Events that become jobs: followers that are served one batch at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from eventlite import Event, JobError, Query
from eventlite.contracts import Host, Job
from eventlite.event import Row
from eventlite.query import check_position, check_reached
from eventlite_jobs.checks import check_plain, checked_name, data_text

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


def new_trigger(cmd: str, job: str, mapper: Mapper, name: str | None, longest: int = 255) -> Trigger:
    """A trigger that has served nothing yet; raises `JobError` for what it cannot be made of."""
    checked_name(cmd, "cmd")
    checked_name(job, "job", longest)
    title = checked_name(f"{cmd}→{job}" if name is None else name, "the trigger's name", longest)
    check_plain(mapper, f"the mapper of {title!r}")
    return Trigger(title, Query(cmd=cmd), job, mapper, 0)


class Wanted(NamedTuple):
    """A job that an event asks for: its name, and its data as JSON text."""

    job: str
    data: str


class Sink(Protocol):
    """Takes the jobs of a trigger and its new position, in one step where it can."""

    def __call__(self, trigger: Trigger, wanted: Sequence[Wanted], position: int) -> None:
        """Enqueue what is wanted and move the trigger's cursor."""


class Triggers:
    """All triggers of a dispatcher, served by one thread at a time."""

    def __init__(self, host: Host, sink: Sink) -> None:
        self._host = host
        self._storage = host.storage
        self._sink = sink
        self._lock = threading.RLock()
        self._serving = False
        self._triggers: list[Trigger] = []

    def start_position(self, after: int | None) -> int:
        """Where a trigger begins: at the head, or after an event; raises `InvalidQueryError` for one beyond it."""
        head = self._storage.head()
        if after is None:
            return head
        check_position(after, "after")
        check_reached(after, head, "after")
        return after

    def start(self, trigger: Trigger) -> None:
        """Serve it from now on."""
        with self._lock:
            self._triggers.append(trigger)

    def catch_up(self) -> int:
        """Serve every trigger up to the present head; how many events that were."""
        if not self._triggers:
            return 0
        with self._lock:
            if self._serving:  # the lock lets its own thread in: only a mapper can have brought it here
                raise JobError("a trigger's mapper cannot run jobs", hint="Do the work in a worker.")
            self._serving = True
            try:
                return sum(self._follow(trigger) for trigger in list(self._triggers))
            finally:
                self._serving = False

    def map_again(self, trigger: Trigger, job: Job) -> Wanted | None:
        """The job of one event whose mapper failed before, if it wants one."""
        row = self._storage.get(job.data["event"])
        return None if row is None else self.mapped(trigger, row)

    def mapped(self, trigger: Trigger, row: Row) -> Wanted | None:
        """What the mapper makes of an event; raises what it raises."""
        (event,) = self._host.events([row])
        data = trigger.mapper(event)
        return None if data is None else Wanted(trigger.job, data_text(data))

    def _follow(self, trigger: Trigger) -> int:
        head, served = self._storage.head(), 0
        while trigger.cursor < head:
            rows = self._storage.read(trigger.query, after=trigger.cursor, before=head + 1, limit=BATCH)
            wanted = [one for row in rows if (one := self._mapped_or_kept(trigger, row)) is not None]
            self._sink(trigger, wanted, rows[-1][0] if len(rows) == BATCH else head)
            served += len(rows)
        return served

    def _mapped_or_kept(self, trigger: Trigger, row: Row) -> Wanted | None:
        try:
            return self.mapped(trigger, row)
        except Exception:  # becomes a job of its own, so that neither this event is lost nor the next one held up
            return Wanted(trigger.name, data_text({"event": row[0]}))
