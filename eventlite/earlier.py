"""What a load has appended before: an event may be caused by one of an earlier batch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from functools import cached_property

from eventlite.contracts.writing import Committed
from eventlite.event import NewEvent

#: Events before a batch that are remembered, at least.
REMEMBERED = 10_000


class Earlier:
    """The last events of a load, kept alive: they are told by the identity of their objects."""

    def __init__(self) -> None:
        self._batches: deque[_Appended] = deque()
        self._size = 0

    def add(self, events: Sequence[NewEvent], committed: Committed) -> None:
        """Remember a batch as it was committed, and forget what is far behind."""
        self._batches.append(_Appended(events, _ids(committed)))
        self._size += len(events)
        while self._size - len(self._batches[0].events) >= REMEMBERED:
            self._size -= len(self._batches.popleft().events)

    def id_of(self, event: NewEvent) -> int | None:
        """The id that an event got, None if it is not remembered."""
        for batch in reversed(self._batches):
            position = batch.positions.get(id(event))
            if position is not None:
                return batch.ids[position]
        return None


#: Before an append that is no load.
NOTHING = Earlier()


class _Appended:
    def __init__(self, events: Sequence[NewEvent], ids: Sequence[int]) -> None:
        self.events = events
        self.ids = ids

    @cached_property
    def positions(self) -> Mapping[int, int]:
        """Where each event is, made when first asked: most loads name no cause this way."""
        return positions(self.events)


def positions(events: Sequence[NewEvent]) -> Mapping[int, int]:
    """The first index of each event, by the identity of its object."""
    return {id(event): index for index, event in reversed(list(enumerate(events)))}


def _ids(committed: Committed) -> Sequence[int]:
    """The ids of a batch; nearly always they follow each other, and no row has to be looked at."""
    rows = committed.rows
    consecutive = range(rows[0][0], rows[-1][0] + 1)
    if committed.new and len(consecutive) == len(rows):
        return consecutive
    return [row[0] for row in rows]
