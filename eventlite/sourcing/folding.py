"""A state from events: folded one by one, from the newest snapshot on where there is one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from copy import deepcopy
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from eventlite.errors import InvalidQueryError, StorageError, shown
from eventlite.event import Event
from eventlite.query import Query, check_position
from eventlite.scanning import scan
from eventlite.sourcing.snapshots import Snapshots

if TYPE_CHECKING:
    from eventlite.contracts.host import Host

_S = TypeVar("_S")


class Folded(NamedTuple, Generic[_S]):
    """A state, and the position up to which all events of the query are in it."""

    state: _S
    position: int


def fold(
    host: Host,
    query: Query,
    evolve: Callable[[_S, Event], _S],
    initial: Any = None,
    *,
    at: int | None = None,
    snapshots: Snapshots[_S] | None = None,
) -> Folded[_S]:
    """Fold the events of a query up to the head, or up to position `at`.

    `initial` is the state before the first event: a function that makes it, or a value, of which a copy is taken. With
    `snapshots` it starts from the newest one at or before the position, and takes one when many events were read.
    Raises `InvalidQueryError` for an `evolve` that is no plain function.
    """
    if not callable(evolve) or iscoroutinefunction(evolve):
        raise InvalidQueryError(f"events are folded by a plain function of (state, event), not {shown(evolve)}")
    position = _position(host, at)
    subject = None if snapshots is None else snapshots.of(query)
    found = None if subject is None else subject.newest(host.storage, position)
    state, after = found or (initial() if callable(initial) else deepcopy(initial), 0)
    seen = 0
    for rows in scan(host.storage, query, after=after, before=position + 1):
        for event in host.events(rows):
            state = evolve(state, event)
        seen += len(rows)
    if subject is not None and at is None and seen >= subject.policy.every:
        with suppress(StorageError):  # a store that is busy, full or read-only can be folded all the same
            subject.take(host, position, state)
    return Folded(state, position)


def _position(host: Host, at: int | None) -> int:
    head = host.storage.head()
    if at is None:
        return head
    check_position(at, "at")
    return min(at, head)
