"""States kept at a position, so that a long history need not be read from its beginning.

A subject, such as the fold of one entity, has one record that lists the positions of its snapshots and the version of
the code that made them; each state is a record of its own. States of another version are not loaded, and go with the
next snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from eventlite.errors import InvalidEventError, shown
from eventlite.jsontext import decode_object, encode_object

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateReader, StateStore
    from eventlite.contracts.storage import Storage
    from eventlite.query import Query

_S = TypeVar("_S")

NAMESPACE = "snapshot"
_STATES = "snapshot.state"


def _same(value: Any) -> Any:
    return value


class Kept(NamedTuple):
    """A state, and the position up to which all events are in it."""

    state: Any
    position: int


@dataclass(frozen=True)
class Snapshots(Generic[_S]):
    """How snapshots of a fold are kept. Change `version` whenever the fold, or an upcaster under it, changes.

    `name` tells folds apart. `every` is after how many events that were read one is taken, `keep` how many of one query
    are kept. A state that is not JSON needs `dump`, which makes JSON of it, and `load`, which makes it again.
    """

    name: str
    version: int = 1
    every: int = 100
    keep: int = 2
    dump: Callable[[_S], Any] = _same
    load: Callable[[Any], _S] = _same

    def __post_init__(self) -> None:
        for name, least in (("version", 1), ("every", 1), ("keep", 1)):
            number = getattr(self, name)
            if type(number) is not int or number < least:
                raise InvalidEventError(f"{name} of snapshots must be an int from {least} on, not {shown(number)}")

    def of(self, query: Query) -> Subject[_S]:
        """The snapshots of what this query finds."""
        return Subject(self, f"{self.name}/{sha256(query.fingerprint.encode()).hexdigest()[:32]}")


@dataclass(frozen=True)
class Subject(Generic[_S]):
    """The snapshots of one fold over one query."""

    policy: Snapshots[_S]
    name: str

    def newest(self, storage: Storage, at: int) -> tuple[_S, int] | None:
        """State and position of the newest one at or before a position, or None."""
        with storage.snapshot() as snapshot:
            found = newest(snapshot.state, self.name, self.policy.version, at)
        return None if found is None else (self.policy.load(found.state), found.position)

    def take(self, host: Host, position: int, state: _S) -> None:
        """Keep a state. Raises `InvalidEventError` if it would not come back as it is."""
        value = self._checked(state)
        with host.transaction() as transaction:
            keep(transaction.state, self.name, self.policy.version, Kept(value, position), self.policy.keep)

    def _checked(self, state: _S) -> Any:
        value = self.policy.dump(state)
        loaded = self.policy.load(decode_object(encode_object({"state": value}, "a snapshot"))["state"])
        if loaded != state:
            raise InvalidEventError(
                f"a state of {self.policy.name!r} would not come back from its snapshot as it is: {shown(state)}",
                hint="Give Snapshots a `dump` that makes JSON of it and a `load` that makes an equal one of that.",
            )
        return value


def newest(state: StateReader, subject: str, version: int, at: int) -> Kept | None:
    """The newest snapshot of a subject at or before a position, made by this version of its code, or None."""
    positions = [position for position in _positions(state, subject, version) if position <= at]
    if not positions:
        return None
    record = state.get(_STATES, _state_name(subject, positions[-1]))
    return None if record is None else Kept(record.value["state"], positions[-1])


def keep(state: StateStore, subject: str, version: int, snapshot: Kept, most: int) -> None:
    """Keep a snapshot, and of those of this version the newest `most`. Others go."""
    known = _positions(state, subject, version)
    positions = sorted({*known, snapshot.position})[-most:]
    _remove(state, subject, set(_positions(state, subject)) - set(positions))
    if snapshot.position in positions:
        state.put(_STATES, _state_name(subject, snapshot.position), {"state": snapshot.state})
        state.put(NAMESPACE, subject, {"version": version, "positions": positions})


def forget(state: StateStore, subject: str) -> None:
    """Remove every snapshot of a subject."""
    _remove(state, subject, _positions(state, subject))
    state.delete(NAMESPACE, subject)


def _positions(state: StateReader, subject: str, version: int | None = None) -> list[int]:
    """Where a subject has snapshots, of that version or of any, in order."""
    record = state.get(NAMESPACE, subject)
    if record is None or version not in (None, record.value["version"]):
        return []
    positions: list[int] = record.value["positions"]
    return positions


def _remove(state: StateStore, subject: str, positions: Sequence[int] | set[int]) -> None:
    for position in positions:
        state.delete(_STATES, _state_name(subject, position))


def _state_name(subject: str, position: int) -> str:
    return f"{subject}@{position}"
