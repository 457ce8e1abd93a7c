"""`eventsourcing` with its SQLite module, by two doors. WAL and synchronous FULL, as it comes.

`store` is the documented way: domain events, its event store, its JSON transcoder. `recorder` is the shortest way there
is: its recorder, and orjson for what it keeps as bytes. An aggregate is a correlation, its version an event's place in
it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from benchmarks.peers.arena import Arena, Events, required
from eventlite import NewEvent
from eventlite.bench import Scale, timed
from eventlite.bench.events import PER_CORRELATION
from eventlite.bench.rounds import Rounds

_READ = 1_000


class Door(NamedTuple):
    """A way in: how it stores events, decodes one that was stored, and reads an aggregate."""

    insert: Callable[[Any, Sequence[NewEvent], Iterator[int]], object]
    decode: Callable[[Any], object]
    read: Callable[[Any, UUID], object]


def append(arena: Arena, door: Door) -> Rounds:
    """One event after the other."""
    required("eventsourcing")
    events, numbers = Events(), count()
    with arena.place() as place, _opened(place) as recorder:
        while True:
            yield timed(_insert_each, recorder, door, events.next(arena.scale.appends), numbers)


def bulk(arena: Arena, door: Door) -> Rounds:
    """All events in one call, into a new store."""
    required("eventsourcing")
    events = Events()
    while True:
        made = events.next(arena.scale.events)
        with arena.place() as place, _opened(place) as recorder:
            measured = timed(_insert_all, recorder, door, made)
        del made
        yield measured


def read_all(arena: Arena, scale: Scale, door: Door) -> Rounds:
    """Every event, decoded."""
    with _filled(arena, scale, door) as (recorder, _):
        while True:
            yield timed(_read_all, recorder, door)


def correlation(arena: Arena, scale: Scale, door: Door) -> Rounds:
    """The ten events of an aggregate."""
    chance = Random(11)
    with _filled(arena, scale, door) as (recorder, aggregates):
        while True:
            yield timed(_read_aggregates, recorder, door, chance.sample(aggregates, max(1, len(aggregates) // 10)))


@contextmanager
def _opened(place: Path) -> Iterator[Any]:
    module = required("eventsourcing.sqlite")
    datastore = module.SQLiteDatastore(str(place / "eventsourcing.db"))
    try:
        recorder = module.SQLiteApplicationRecorder(datastore)
        recorder.create_table()
        yield recorder
    finally:
        datastore.close()


@contextmanager
def _filled(arena: Arena, scale: Scale, door: Door) -> Iterator[tuple[Any, list[UUID]]]:
    """A recorder with events, and its aggregates."""
    required("eventsourcing")
    events = Events().next(scale.events)
    aggregates = list(dict.fromkeys(UUID(event.correlation_id) for event in events))
    with arena.place() as place, _opened(place) as recorder:
        _insert_all(recorder, door, events)
        del events
        yield recorder, aggregates


def _insert_each(recorder: Any, door: Door, events: Sequence[NewEvent], numbers: Iterator[int]) -> int:
    for event in events:
        door.insert(recorder, [event], numbers)
    return len(events)


def _insert_all(recorder: Any, door: Door, events: Sequence[NewEvent]) -> int:
    door.insert(recorder, events, count())
    return len(events)


def _read_all(recorder: Any, door: Door) -> int:
    read, start = 0, 1
    while found := recorder.select_notifications(start, _READ):
        read += len([door.decode(each) for each in found])
        start = found[-1].id + 1
    return read


def _read_aggregates(recorder: Any, door: Door, aggregates: Sequence[UUID]) -> int:
    for aggregate in aggregates:
        door.read(recorder, aggregate)
    return len(aggregates)


# --- the documented way


@cache
def _mapper() -> Any:
    persistence = required("eventsourcing.persistence")
    transcoder = persistence.JSONTranscoder()
    for transcoding in (persistence.UUIDAsHex(), persistence.DecimalAsStr(), persistence.DatetimeAsISO()):
        transcoder.register(transcoding)
    return persistence.Mapper(transcoder)


@cache
def _domain_event() -> Any:
    domain_event: Any = required("eventsourcing.domain").DomainEvent

    class Recorded(domain_event):  # type: ignore[misc]
        version: int
        user: str
        ip: str
        cmd: str
        data: dict[str, Any]
        metadata: dict[str, Any]

    required("eventsourcing.utils").register_topic("recorded", Recorded)
    return Recorded


def _recorded(kind: Any, event: NewEvent, number: int) -> Any:
    place = (UUID(event.correlation_id), number % PER_CORRELATION, kind.create_timestamp())
    return kind(*place, event.version, event.user, event.ip, event.cmd, event.data, event.metadata)


def _put(recorder: Any, events: Sequence[NewEvent], numbers: Iterator[int]) -> None:
    kind = _domain_event()
    store = required("eventsourcing.persistence").EventStore(_mapper(), recorder)
    store.put([_recorded(kind, event, next(numbers)) for event in events])


def _get(recorder: Any, aggregate: UUID) -> list[Any]:
    return list(required("eventsourcing.persistence").EventStore(_mapper(), recorder).get(aggregate))


def _decoded(stored: Any) -> Any:
    return _mapper().to_domain_event(stored)


# --- the shortest way


def _stored(kind: Any, event: NewEvent, number: int) -> Any:
    told = {
        "version": event.version,
        "user": event.user,
        "ip": event.ip,
        "data": event.data,
        "metadata": event.metadata,
    }
    return kind(UUID(event.correlation_id), number % PER_CORRELATION, event.cmd, orjson.dumps(told))


def _insert(recorder: Any, events: Sequence[NewEvent], numbers: Iterator[int]) -> None:
    kind = required("eventsourcing.persistence").StoredEvent
    recorder.insert_events([_stored(kind, event, next(numbers)) for event in events])


def _select(recorder: Any, aggregate: UUID) -> Any:
    return recorder.select_events(aggregate)


def _loaded(stored: Any) -> Any:
    return orjson.loads(stored.state)


STORE = Door(_put, _decoded, _get)
RECORDER = Door(_insert, _loaded, _select)
