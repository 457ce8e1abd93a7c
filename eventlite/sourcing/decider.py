"""Deciders: load what has happened, decide, and append only if nothing came in between."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from eventlite.drafting import check_name
from eventlite.errors import ConflictError, InvalidEventError, InvalidQueryError, shown
from eventlite.event import Event, NewEvent, Row
from eventlite.query import Condition, Query
from eventlite.sourcing.folding import fold
from eventlite.sourcing.snapshots import Snapshots

if TYPE_CHECKING:
    from eventlite.contracts.host import Host

_C = TypeVar("_C")
_S = TypeVar("_S")

#: Seconds that a decision waits at most, after a conflict, before it is made again; shorter at first.
_LONGEST_PAUSE = 0.05


@dataclass(frozen=True)
class Decider(Generic[_C, _S]):
    """What is decided about a thing, in plain functions that touch nothing else.

    `decide(command, state)` returns the new events (one, several, or None), or raises to refuse the command.
    `evolve(state, event)` returns the state after an event. `initial` is the state before the first one: a function
    that makes it, or a value, which is copied. `query` says what is read: a `Query`, or a function that makes one of
    the command. `snapshots` saves reading long histories.
    """

    decide: Callable[[_C, _S], Iterable[NewEvent] | NewEvent | None]
    evolve: Callable[[_S, Event], _S]
    initial: Any = None
    query: Query | Callable[[_C], Query] | None = None
    snapshots: Snapshots[_S] | None = None


def decide(
    host: Host, decider: Decider[_C, _S], command: _C, query: Query | None, *, key: str | None, retries: int
) -> list[Event]:
    """Fold, decide and append; again when something that was read for it came in between. See `Kernel.decide`."""
    _check_decider(decider)
    asked = _query(decider.query, command) if query is None else _query(query, command)
    _check(asked, key, retries)
    for conflicts in count():
        known = [] if key is None else _stored(host, key)
        if known:
            return known
        folded = fold(host, asked, decider.evolve, decider.initial, snapshots=decider.snapshots)
        events = _listed(decider.decide(command, folded.state))
        try:
            return host.append_many(
                events if key is None else _keyed(events, key), Condition(asked, after=folded.position)
            )
        except ConflictError as error:
            if conflicts >= retries or (error.position or 0) <= folded.position:  # what was read will not mend it
                raise
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.001 * 2**conflicts)))  # noqa: S311
    raise AssertionError  # counting never ends


def _check_decider(decider: object) -> None:
    if not isinstance(decider, Decider):
        raise InvalidQueryError(
            f"expected a Decider, not {shown(decider)}", hint="For example Decider(decide, evolve, query=...)."
        )


def _check(query: Query, key: object, retries: object) -> None:
    """Raise for what no decision can be stored with, before anything is read."""
    Condition(query)
    if key is not None:
        check_name(key, "key")
    if type(retries) is not int or retries < 0:
        raise InvalidQueryError(f"retries must be an int from 0 on, not {shown(retries)}")


def _query(query: Query | Callable[[_C], Query] | None, command: _C) -> Query:
    if callable(query):
        query = query(command)
    if not isinstance(query, Query):
        raise InvalidQueryError(
            f"a decider needs a Query of the events that it decides by, not {shown(query)}",
            hint='For example Decider(..., query=lambda command: Query(tags=[f"course:{command.course}"])).',
        )
    return query


def _listed(decided: object) -> list[NewEvent]:
    if decided is None:
        return []
    if isinstance(decided, NewEvent):
        return [decided]
    if isinstance(decided, Iterable):
        return list(decided)
    raise InvalidEventError(f"decide must return NewEvents, not {shown(decided)}")


def _keyed(events: Sequence[NewEvent], key: str) -> list[NewEvent]:
    """Copies with the keys by which the decision is known later; causes among them stay causes."""
    copies: dict[int, NewEvent] = {}
    for index, event in enumerate(events):
        cause = copies.get(id(event.cause), event.cause)
        copies[id(event)] = replace(event, key=_nth(key, index), cause=cause)
    return [copies[id(event)] for event in events]


def _stored(host: Host, key: str) -> list[Event]:
    """The events of an earlier decision with that key."""
    with host.transaction() as transaction:
        rows: list[Row] = []
        while (row := transaction.by_key(_nth(key, len(rows)))) is not None:
            rows.append(row)
    return host.events(rows)


def _nth(key: str, index: int) -> str:
    return f"{key}/{index + 1}" if index else key
