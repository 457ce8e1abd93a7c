"""Replaying events into a state of its own: what a projection was at some position or time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from eventlite.errors import InvalidQueryError, ProjectionError, shown
from eventlite.event import MAX_ID, Event
from eventlite.query import Query, check_position
from eventlite.scanning import scan
from eventlite.sourcing.projections.applying import BATCH, apply, call, guarded, wanted
from eventlite.sourcing.projections.snapshotting import newest_records, snapshots_of
from eventlite.sourcing.snapshots import Kept

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.sourcing.projection import Handler, Projection
    from eventlite.sourcing.projections.model import Model, Past

_LATER = dt.timedelta(microseconds=1)

#: Beyond every event: a microsecond later there may be no datetime.
_LAST = dt.datetime.max.replace(tzinfo=dt.UTC) - _LATER


def state_at(host: Host, projection: Projection, model: Model | None, at: int | dt.datetime) -> Any:
    """The state after the event of a position, or after all events recorded up to a moment.

    A dict, tables to `query`, or a new object of the projection's factory. From the newest snapshot before that, if
    there is one. Raises `InvalidQueryError`, `HandlerError`.
    """
    query, end = _bounds(at)
    end = min(end, host.storage.head())
    if model is None:
        return _object_at(host, projection, query, end)
    kept = newest_records(host, projection, _whole(host, projection, query, end)) or Kept((), 0)
    past = model.past(host)
    try:
        _begin(past, kept)
        for events in _events(host, projection, query, kept.position, end):
            with past.change() as state:
                apply(host, projection, events, state)
    except BaseException:
        past.close()
        raise
    return past.result()


def _begin(past: Past, kept: Kept) -> None:
    """Put what a snapshot holds into an empty state."""
    for part in kept.parts:
        with past.change() as state:
            state.update(part)
            state.settle()


def refill(host: Host, projection: Projection) -> tuple[Any, int]:
    """A new object with all events in it, and the position of the last one; a snapshot is taken when it is time."""
    target, begun = _nearest_object(host, projection, host.storage.head())
    position = begun
    while (head := host.storage.head()) > position:
        _fill(host, projection, target, _events(host, projection, Query(), position, head))
        position = head
    snapshots = snapshots_of(projection)
    if snapshots is not None and position - begun >= snapshots.policy.every:
        snapshots.take(host, position, target)
    return target, position


def _object_at(host: Host, projection: Projection, query: Query, end: int) -> Any:
    target, begun = _nearest_object(host, projection, _whole(host, projection, query, end))
    return _fill(host, projection, target, _events(host, projection, query, begun, end))


def _nearest_object(host: Host, projection: Projection, at: int) -> tuple[Any, int]:
    """An object with the events up to a position or less, and which: of a snapshot, or a new one."""
    snapshots = snapshots_of(projection)
    found = None if snapshots is None else snapshots.newest(host.storage, at)
    return found or (_new_object(projection), 0)


def _whole(host: Host, projection: Projection, query: Query, end: int) -> int:
    """The position up to which a query with a moment in it leaves no event out: clocks are set back, too."""
    if projection.snapshots is None or query.until is None:
        return end
    later = host.storage.read(Query(since=query.until), limit=1)
    return min(end, later[0][0] - 1) if later else end


def _fill(host: Host, projection: Projection, target: Any, batches: Iterator[list[Event]]) -> Any:
    """Hand events to the handlers of an object of the user's."""
    fill = guarded(host, projection, _dispatch(projection))
    for event in chain.from_iterable(batches):
        call(f"projection {projection.name!r}", fill, event, target)
    return target


def _dispatch(projection: Projection) -> Handler:
    """One function that calls that of the event's command."""

    def handle(event: Event, state: Any) -> None:
        handler = projection.handler_of(event.cmd)
        if handler is not None:
            handler(event, state)

    return handle


def _new_object(projection: Projection) -> Any:
    """A new object of the projection's factory; raises `ProjectionError` without one."""
    if projection.factory is None:
        raise ProjectionError(
            f"projection {projection.name!r} fills an object, and nobody knows how to make a new one",
            hint="Projection(name, factory=function), where the function returns an empty object.",
        )
    return projection.factory()


def _events(host: Host, projection: Projection, query: Query, after: int, end: int) -> Iterator[list[Event]]:
    for rows in scan(host.storage, query, after=after, before=end + 1, size=BATCH):
        yield wanted(host, projection, rows)


def _bounds(at: object) -> tuple[Query, int]:
    if isinstance(at, dt.datetime):
        if at.utcoffset() is None:
            raise InvalidQueryError(
                f"a moment must say its time zone, but {at.isoformat()} has none",
                hint="Pass an aware datetime, such as datetime.now(timezone.utc).",
            )
        return (Query() if at >= _LAST else Query(until=at + _LATER)), MAX_ID
    if type(at) is not int:
        raise InvalidQueryError(f"a replay goes to a position or an aware datetime, not to {shown(at)}")
    check_position(at, "at")
    return Query(), at
