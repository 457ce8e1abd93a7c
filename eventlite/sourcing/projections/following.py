"""A projection that follows the events: its state and its position move in one transaction, exactly once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventlite.errors import ConflictError, HandlerError
from eventlite.event import Row
from eventlite.query import ALL_EVENTS
from eventlite.sourcing.consumer import Hold, change
from eventlite.sourcing.projections.applying import BATCH, apply_rows
from eventlite.sourcing.projections.book import consumer_name, standing
from eventlite.sourcing.telling import told

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.model import Model

#: What gives a hold up.
RELEASED: dict[str, Any] = {"owner": "", "until": 0}


class ProjectionFollower:
    """Follows with a state that is kept in the store; of several processes one at a time."""

    def __init__(self, host: Host, projection: Projection, model: Model) -> None:
        self._host = host
        self._projection = projection
        self._model = model
        self._hold = Hold(host, consumer_name(projection.name))

    def catch_up(self) -> int:
        """Handle a batch of what is new; a handler that raises pauses the projection in front of its event."""
        with self._host.storage.snapshot() as snapshot:
            found = standing(snapshot.state, self._projection.name)
            free = self._hold.available(found)
            rows = snapshot.read(ALL_EVENTS, after=found.position, limit=BATCH) if free else []
        if not rows:
            return 0
        try:
            return self._handle(rows, found.position, last=len(rows) < BATCH)
        except HandlerError:  # find out which one: its predecessors are to be done
            return self._one_by_one(rows, found.position)

    def _handle(self, rows: Sequence[Row], position: int, *, last: bool) -> int:
        with self._host.transaction() as transaction:
            if not self._hold.claim(transaction.state) or self._hold.position != position:
                return 0
            place = self._model.live(self._hold.consumer.generation)
            apply_rows(self._host, self._projection, self._model, transaction, place, rows)
            released = RELEASED if last else {}
            moved = self._hold.advance(transaction.state, rows[-1][0], error=None, error_position=None, **released)
        self._hold.consumer = moved
        return len(rows)

    def _one_by_one(self, rows: Sequence[Row], position: int) -> int:
        done = 0
        for row in rows:
            try:
                if not self._handle([row], position, last=False):
                    break
            except HandlerError as error:
                pause(self._host, consumer_name(self._projection.name), row[0], error)
                break
            done, position = done + 1, row[0]
        return done


def pause(host: Host, name: str, position: int, error: HandlerError) -> None:
    """Stop a consumer in front of an event, where everybody can see it."""
    logging.getLogger("eventlite").error("%s; it is paused", error.message, exc_info=error.__cause__)
    text = told(error.__cause__ or error)
    change(host, name, paused=True, error=text, error_position=position, **RELEASED)


def take(hold: Hold) -> bool:
    """Hold it for effects outside of the store; whether this process may."""
    try:
        return hold.acquire()
    except ConflictError:
        return False
