"""One wait as it stands, and its JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from eventlite.event import NewEvent, Row, from_microseconds, to_iso, to_microseconds
from eventlite.sourcing.waits.condition import Progress, WaitCondition, dump_condition, load_condition

#: `ready`: all of it has happened, the event is not appended yet; if there is an error, it was refused.
WAIT_STATES = ("pending", "ready", "executed", "expired", "cancelled")

#: The states in which a wait may still append its event.
OPEN_STATES = ("pending", "ready")


@dataclass(frozen=True, eq=False)
class Wait:
    """An event that is appended when others have happened, as it stood when it was asked for."""

    id: int
    state: str
    #: What is appended; its `cause` is an id or None, for the event that completes the wait.
    event: NewEvent
    condition: WaitCondition
    #: What each part of the condition has seen.
    progress: Progress
    #: The position after which events count, but for those that `append_when` looked at itself.
    position: int
    registered: dt.datetime
    #: Events recorded before it count; None for ever.
    deadline: dt.datetime | None
    #: What is appended when the deadline passes first.
    otherwise: NewEvent | None
    #: The last event that counted: of a wait that is met, the one that completed it.
    last_id: int | None = None
    #: The event that was appended.
    event_id: int | None = None
    #: Why what it wanted to append was refused, as "Type: text".
    error: str | None = None

    @property
    def due(self) -> int | None:
        """When there is something to do without an event, in microseconds since the epoch."""
        if self.state == "ready":
            return 0 if self.error is None else None
        return None if self.deadline is None else to_microseconds(self.deadline)

    def after(self, row: Row) -> Wait:
        """The wait after one more event: itself if the event does not count.

        What was counted once is not counted again, should events be looked at twice.
        """
        if self.state != "pending" or row[0] <= max(self.position, self.last_id or 0) or self._too_late(row):
            return self
        progress = self.condition.step(self.progress, row)
        if progress == self.progress:
            return self
        state = "ready" if self.condition.met(progress) else "pending"
        return replace(self, progress=progress, state=state, last_id=row[0])

    def _too_late(self, row: Row) -> bool:
        return self.deadline is not None and row[2] >= to_microseconds(self.deadline)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {"id": self.id, **_dumped(self, to_iso)}


def dump_wait(wait: Wait) -> dict[str, Any]:
    """The wait as its record keeps it: times in microseconds since the epoch."""
    return _dumped(wait, lambda moment: moment)


def load_wait(id: int, value: dict[str, Any]) -> Wait:
    """The wait that `dump_wait` made this of."""
    deadline, otherwise = value["deadline"], value["otherwise"]
    changed = {
        "event": NewEvent(**value["event"]),
        "condition": load_condition(value["condition"]),
        "registered": from_microseconds(value["registered"]),
        "deadline": None if deadline is None else from_microseconds(deadline),
        "otherwise": None if otherwise is None else NewEvent(**otherwise),
    }
    return Wait(id=id, **{**value, **changed})


def _dumped(wait: Wait, moment: Callable[[int], Any]) -> dict[str, Any]:
    return {
        "state": wait.state,
        "event": asdict(wait.event),
        "condition": dump_condition(wait.condition),
        "progress": wait.progress,
        "position": wait.position,
        "registered": moment(to_microseconds(wait.registered)),
        "deadline": None if wait.deadline is None else moment(to_microseconds(wait.deadline)),
        "otherwise": None if wait.otherwise is None else asdict(wait.otherwise),
        "last_id": wait.last_id,
        "event_id": wait.event_id,
        "error": wait.error,
    }
