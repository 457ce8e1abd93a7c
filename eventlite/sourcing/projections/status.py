"""How a projection stands, by what the store knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eventlite.sourcing.consumer import find
from eventlite.sourcing.projections.book import consumer_name, description, reaction_name

if TYPE_CHECKING:
    from eventlite.contracts.state import StateReader
    from eventlite.sourcing.consumer import Consumer


@dataclass(frozen=True, slots=True)
class ProjectionStatus:
    """How a projection of the store stands."""

    name: str
    #: "inline" or "follow": how it was kept up to date last.
    mode: str
    #: Where its state is: "records", "tables", or "object" outside of the store.
    kind: str
    #: The id of the last event that is in the state, and how far that is behind the head.
    position: int
    lag: int
    #: The id of the last event that its reactions are done with; None if it has none.
    reactions: int | None
    #: "failed" when an error stopped it or its reactions, "paused", "active" while somebody holds it, or "idle".
    state: str
    #: What stopped it, else its reactions, as "Type: text", and at which event.
    error: str | None
    error_position: int | None


def status(state: StateReader, found: Consumer, head: int, now: int) -> ProjectionStatus:
    """Of the projection whose position that consumer keeps; `now` in microseconds since the epoch."""
    name = found.name.removeprefix(consumer_name(""))
    known = description(state, name)
    reactions = find(state, reaction_name(name))
    failed = next((each for each in (found, reactions) if each and each.error is not None), None)
    return ProjectionStatus(
        name=name,
        mode=known.get("mode", ""),
        kind=known.get("kind", ""),
        position=found.position,
        lag=max(0, head - found.position),
        reactions=None if reactions is None else reactions.position,
        state="failed" if failed else _unfailed(found, now),
        error=failed.error if failed else None,
        error_position=failed.error_position if failed else None,
    )


def _unfailed(found: Consumer, now: int) -> str:
    if found.paused:
        return "paused"
    return "active" if found.held(now) else "idle"
