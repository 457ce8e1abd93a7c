"""Given what has happened, when a command comes, then this is decided: deciders tested in memory.

The decider runs as it does in a kernel: only events that its query finds are folded, and what it decides is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from eventlite.event import Event, NewEvent
from eventlite.sourcing.decider import Decider, decide
from eventlite.testing.clock import ManualClock
from eventlite.testing.host import StorageHost, open_storage

if TYPE_CHECKING:
    from eventlite.query import Query

_C = TypeVar("_C")
_S = TypeVar("_S")
_E = TypeVar("_E", bound=Exception)

#: What two events are compared by, and the correlation where the expected one gives one.
_FIELDS = ("cmd", "data", "version", "tags", "user", "ip", "metadata", "key")


def assert_decides(
    decider: Decider[_C, _S],
    *,
    given: Iterable[NewEvent] = (),
    when: _C,
    then: Iterable[NewEvent] = (),
    query: Query | None = None,
) -> list[Event]:
    """Raise `AssertionError` unless the command leads to exactly these events; returns them as stored."""
    expected = list(then)
    decided = _decided(decider, given, when, query)
    _compare(decided, _stored(expected), expected)
    return decided


def assert_refuses(
    decider: Decider[_C, _S],
    *,
    given: Iterable[NewEvent] = (),
    when: _C,
    error: type[_E],
    query: Query | None = None,
) -> _E:
    """Raise `AssertionError` unless the command is refused with that kind of error; returns it.

    Whatever else is raised comes through.
    """
    try:
        decided = _decided(decider, given, when, query)
    except error as refusal:
        return refusal
    raise AssertionError(f"expected {error.__name__}, but it was decided: {_listed(decided)}")


@contextmanager
def _host(given: Iterable[NewEvent]) -> Iterator[StorageHost]:
    storage = open_storage("memory")
    try:
        host = StorageHost(storage, ManualClock())
        host.append_many(given)
        yield host
    finally:
        storage.close()


def _decided(decider: Decider[_C, _S], given: Iterable[NewEvent], when: _C, query: Query | None) -> list[Event]:
    with _host(given) as host:
        return decide(host, decider, when, query, key=None, retries=0)


def _stored(expected: Sequence[NewEvent]) -> list[Event]:
    """What is expected, as it would be stored: checked, and in the words of JSON."""
    with _host(()) as host:
        return host.append_many(expected)


def _compare(decided: Sequence[Event], expected: Sequence[Event], new: Sequence[NewEvent]) -> None:
    if len(decided) != len(expected):
        raise AssertionError(f"expected {_listed(expected)}\ndecided {_listed(decided)}")
    for number, (found, wanted, event) in enumerate(zip(decided, expected, new, strict=True), 1):
        names = _FIELDS if event.correlation_id is None else (*_FIELDS, "correlation_id")
        differences = list(map(_difference(found, wanted), filter(_differs(found, wanted), names)))
        if differences:
            raise AssertionError("\n".join([f"event {number}, {found.cmd}, is not as expected:", *differences]))


def _differs(found: Event, wanted: Event) -> Callable[[str], bool]:
    return lambda name: bool(getattr(found, name) != getattr(wanted, name))


def _difference(found: Event, wanted: Event) -> Callable[[str], str]:
    return lambda name: f"  {name}: expected {getattr(wanted, name)!r}, decided {getattr(found, name)!r}"


def _listed(events: Sequence[Any]) -> str:
    return ", ".join(f"{event.cmd} {event.data}" for event in events) or "no events"
