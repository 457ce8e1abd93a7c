"""States kept at a position, so that a long history need not be read from its beginning.

A subject, such as the fold of one entity, has one record that lists the positions of its snapshots and the version of
the code that made them; a state is one record, or several where it may be large. States of another version are not
loaded, and go with the next snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from eventlite.errors import InvalidEventError, shown
from eventlite.jsontext import canonical, decode_object, encode_object

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
    """A state as JSON values, each of which becomes a record, and the position up to which all events are in it."""

    parts: Sequence[Any]
    position: int


@dataclass(frozen=True)
class Snapshots(Generic[_S]):
    """How snapshots of a fold or a projection are kept. Change `version` whenever its code, or an upcaster, changes.

    `name` tells folds apart; a projection has a name already. `every` is after how many events one is taken, for a fold
    of those that it read, `keep` how many are kept, for a fold of each query. A state that is not JSON needs `dump`,
    which makes JSON of it, and `load`, which makes it again.
    """

    name: str = ""
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
        """The snapshots of what this query finds. Raises `InvalidEventError` without a name."""
        if not self.name:
            raise InvalidEventError("snapshots of a fold need a name", hint='For example Snapshots("orders").')
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
        return None if found is None else (self.policy.load(found.parts[0]), found.position)

    def take(self, host: Host, position: int, state: _S) -> None:
        """Keep a state. Raises `InvalidEventError` if it would not come back as it is."""
        value = self._checked(state)
        with host.transaction() as transaction:
            keep(transaction.state, self.name, self.policy.version, Kept([value], position), self.policy.keep)

    def _checked(self, state: _S) -> Any:
        value = self.policy.dump(state)
        loaded = self.policy.load(decode_object(encode_object({"state": value}, "a snapshot"))["state"])
        if not self._equal(loaded, state, value):
            name = self.policy.name or self.name
            raise InvalidEventError(
                f"a state of {name!r} would not come back from its snapshot as it is: {shown(state)}",
                hint="Give Snapshots a `dump` that makes JSON of it and a `load` that makes an equal one of that.",
            )
        return value

    def _equal(self, loaded: _S, state: _S, value: Any) -> bool:
        """By the state's own judgement; if it has none, by what is kept of it."""
        if type(state).__eq__ is object.__eq__:
            return canonical(self.policy.dump(loaded)) == canonical(value)
        return bool(loaded == state)


def newest(state: StateReader, subject: str, version: int, at: int) -> Kept | None:
    """The newest snapshot of a subject at or before a position, made by this version of its code, or None."""
    taken = taken_at(state, subject, version)
    position = max((position for position in taken if position <= at), default=None)
    if position is None:
        return None
    records = [state.get(_STATES, name) for name in _names(subject, position, taken[position])]
    return Kept([record.value["part"] for record in records if record is not None], position)


def keep(state: StateStore, subject: str, version: int, snapshot: Kept, most: int) -> None:
    """Keep a snapshot, and of those of this version the newest `most`. Others go."""
    known, same = taken_at(state, subject), taken_at(state, subject, version)
    taken = {**same, snapshot.position: len(snapshot.parts)}
    taken = {position: taken[position] for position in sorted(taken)[-most:]}
    kept = taken.keys() - {snapshot.position}
    _remove(state, subject, {position: known[position] for position in known.keys() - kept})
    if snapshot.position in taken:
        for name, part in zip(_names(subject, snapshot.position, len(snapshot.parts)), snapshot.parts, strict=True):
            state.put(_STATES, name, {"part": part})
        state.put(NAMESPACE, subject, {"version": version, "taken": {str(key): taken[key] for key in taken}})


def forget(state: StateStore, subject: str) -> None:
    """Remove every snapshot of a subject."""
    _remove(state, subject, taken_at(state, subject))
    state.delete(NAMESPACE, subject)


def taken_at(state: StateReader, subject: str, version: int | None = None) -> dict[int, int]:
    """Where a subject has snapshots, of that version or of any, in order, and of how many parts each is."""
    record = state.get(NAMESPACE, subject)
    if record is None or version not in (None, record.value["version"]):
        return {}
    return {int(position): parts for position, parts in record.value["taken"].items()}


def _remove(state: StateStore, subject: str, taken: Mapping[int, int]) -> None:
    for position, parts in taken.items():
        for name in _names(subject, position, parts):
            state.delete(_STATES, name)


def _names(subject: str, position: int, parts: int) -> list[str]:
    return [f"{subject}@{position}/{number}" for number in range(parts)]
