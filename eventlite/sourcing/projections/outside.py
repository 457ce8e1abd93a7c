"""Effects outside of the store: objects that projections fill, and reactions. At least once.

The position is stored after the effect, so that none is left out; what came after the last stored position happens
again when the process is killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from eventlite.errors import ConflictError, HandlerError
from eventlite.event import Event
from eventlite.query import Query
from eventlite.sourcing.consumer import Consumer, Hold, find
from eventlite.sourcing.projections.applying import BATCH, call, guarded
from eventlite.sourcing.projections.book import consumer_name, reaction_name, standing
from eventlite.sourcing.projections.following import RELEASED, pause, take

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateReader
    from eventlite.sourcing.projection import Handler, Projection

#: Microseconds after which others have their turn.
_TURN = 100_000

#: Positions that may pass without an event of interest before they are noted.
_UNNOTED = 1000


class OutsideFollower:
    """Calls a function per command with each event and what `argument` returns.

    `limit` says how far it may go, and `unsaved` for how many microseconds effects may wait to be saved.
    """

    def __init__(
        self,
        host: Host,
        name: str,
        handlers: dict[str, Handler],
        fallback: Handler | None,
        *,
        argument: Callable[[], Any],
        limit: Callable[[StateReader, int], int],
        unsaved: int,
    ) -> None:
        self._host = host
        self._name = name
        self._handlers = handlers
        self._fallback = fallback
        self._argument = argument
        self._limit = limit
        self._unsaved = unsaved
        self._hold = Hold(host, name)

    def catch_up(self) -> int:
        """Handle a batch of what is new; a function that raises pauses this follower in front of its event."""
        with self._host.storage.snapshot() as snapshot:
            found = find(snapshot.state, self._name) or Consumer(self._name)
            end = self._limit(snapshot.state, snapshot.head())
            if end <= found.position or not self._hold.available(found):
                return 0
            rows = snapshot.read(self._query(), after=found.position, before=end + 1, limit=BATCH)
        if not rows and end - found.position < _UNNOTED:
            return 0
        if not take(self._hold) or self._hold.position != found.position:
            return 0
        try:
            return self._handle(self._host.events(rows), end if len(rows) < BATCH else rows[-1][0])
        except ConflictError:  # somebody paused it or took over
            return 0

    def _query(self) -> Query:
        return Query() if self._fallback else Query(cmd=list(self._handlers))

    def _handle(self, events: Iterable[Event], end: int) -> int:
        done, position, argument = 0, self._hold.position, self._argument()
        began = saved = self._host.clock()
        for event in events:
            try:
                self._call(event, argument)
            except HandlerError as error:
                self._hold.save(position)
                pause(self._host, self._name, event.id, error)
                return done
            done, position = done + 1, event.id
            now = self._host.clock()
            if not 0 <= now - saved < self._unsaved:
                self._hold.save(position)
                saved = now
                if not 0 <= now - began < _TURN:
                    return done
        self._hold.save(end, error=None, error_position=None, **RELEASED)
        return done

    def _call(self, event: Event, argument: Any) -> None:
        handler = self._handlers.get(event.cmd, self._fallback)
        if handler is not None:
            call(self._name.replace(":", " ", 1), handler, event, argument)


def object_follower(host: Host, projection: Projection) -> OutsideFollower:
    """Fills an object; its position is saved once a turn."""
    return OutsideFollower(
        host,
        consumer_name(projection.name),
        {cmd: guarded(host, projection, handler) for cmd, handler in projection.handlers.items()},
        projection.fallback and guarded(host, projection, projection.fallback),
        argument=lambda: projection.into,
        limit=lambda _state, head: head,
        unsaved=_TURN,
    )


def reaction_follower(host: Host, projection: Projection) -> OutsideFollower:
    """Runs reactions behind the state; each is saved at once, so that its effect happens twice as rarely as can be."""
    return OutsideFollower(
        host,
        reaction_name(projection.name),
        projection.reactions,
        projection.reaction_fallback,
        argument=lambda: projection.state,
        limit=lambda state, _head: standing(state, projection.name).position,
        unsaved=0,
    )
