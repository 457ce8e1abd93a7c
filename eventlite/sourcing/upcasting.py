"""Old events as the newest code wants them: functions that lift the data of a command from version to version.

They run when the data of an event is first touched, behind every cache, and change nothing that is stored. A kernel
without upcasters makes plain events and knows nothing of this module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from eventlite.drafting import MAX_VERSION, check_name
from eventlite.errors import InvalidEventError, UpcastError, shown
from eventlite.event import Event, Row, VerifiedEvent
from eventlite.jsontext import decode_object, encode_object
from eventlite.query import Query
from eventlite.scanning import scan

if TYPE_CHECKING:
    from eventlite.contracts.storage import EventReader

Upcaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


class Step(NamedTuple):
    """From one version of a command's data to a later one."""

    from_version: int
    to_version: int
    function: Upcaster


class Stranded(NamedTuple):
    """Stored events of a version that no upcasters lead to the newest: how many, and up to which version they come."""

    cmd: str
    version: int
    reaches: int
    newest: int
    events: int


class LiftedEvent(Event):
    """An event of an old version: `version` and `data` are those of the newest, `row` is what is stored.

    It equals every event with the same row, lifted or not.
    """

    __slots__ = ("_path",)

    def __init__(self, row: Row, path: tuple[Step, ...]) -> None:
        super().__init__(row)
        self._path = path

    @property
    def version(self) -> int:
        """The version that `data` was lifted to."""
        return self._path[-1].to_version

    @property
    def data(self) -> dict[str, Any]:
        """The payload as of `version`. Raises `UpcastError` if an upcaster fails, `CorruptionError` as ever."""
        if self._data is None:
            self._data = _lifted(self, self._path, self._decoded(6, dict))
        return self._data

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, version {self._row[1]} lifted to {self.version}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled with its data, since other processes may not know the functions."""
        return _unpickled, (type(self), self._row, self.version, self.data)


class VerifiedLiftedEvent(LiftedEvent, VerifiedEvent):
    """A `LiftedEvent` that compares its checksum first."""

    __slots__ = ()


class Upcasters:
    """The upcasters of one kernel, and the events made with them."""

    def __init__(self, *, verified: bool = False) -> None:
        self._plain, self._lifted = (VerifiedEvent, VerifiedLiftedEvent) if verified else (Event, LiftedEvent)
        self._steps: dict[str, dict[int, Step]] = {}
        self._paths: dict[tuple[str, int], tuple[Step, ...]] = {}

    def __bool__(self) -> bool:
        return bool(self._steps)

    def add(self, cmd: str, from_version: int, function: Upcaster, to_version: int | None = None) -> None:
        """Lift that version of a command's data to the next, or to `to_version`. Raises `UpcastError`."""
        step = _checked(cmd, from_version, from_version + 1 if to_version is None else to_version, function)
        known = self._steps.get(cmd, {})
        if from_version in known:
            raise UpcastError(f"{cmd!r} has an upcaster from version {from_version} already")
        steps = self._steps[cmd] = {**known, from_version: step}
        self._paths = {**self._paths, **{(cmd, version): _path(steps, version) for version in steps}}

    def event(self, row: Row) -> Event:
        """The event of a row, lifted if it is old."""
        path = self._paths.get((row[5], row[1]))
        return self._plain(row) if path is None else self._lifted(row, path)

    def reaches(self, cmd: str, version: int) -> int:
        """The version that stored data of this version is lifted to."""
        path = self._paths.get((cmd, version))
        return path[-1].to_version if path else version

    def stranded(self, reader: EventReader) -> list[Stranded]:
        """Which stored versions have no path to the newest that is stored or lifted to; reads every event once."""
        stored = Counter((row[5], row[1]) for rows in _every(reader) for row in rows)
        newest: dict[str, int] = {}
        for cmd, version in stored:
            newest[cmd] = max(newest.get(cmd, 0), version, *(step.to_version for step in self._of(cmd)))
        return [
            Stranded(cmd, version, self.reaches(cmd, version), newest[cmd], events)
            for (cmd, version), events in sorted(stored.items())
            if self.reaches(cmd, version) != newest[cmd]
        ]

    def _of(self, cmd: str) -> list[Step]:
        return list(self._steps.get(cmd, {}).values())


def _every(reader: EventReader) -> Any:
    return scan(reader, Query(), after=0, before=reader.head() + 1)


def _path(steps: dict[int, Step], version: int) -> tuple[Step, ...]:
    """The chain of upcasters from a version on; versions grow, so it ends."""
    path: list[Step] = []
    while version in steps:
        path.append(steps[version])
        version = steps[version].to_version
    return tuple(path)


def _checked(cmd: Any, from_version: Any, to_version: Any, function: Any) -> Step:
    try:
        check_name(cmd, "cmd")
    except InvalidEventError as error:
        raise UpcastError(f"an upcaster needs a command: {error.message}") from None
    for version in (from_version, to_version):
        if type(version) is not int or not 1 <= version <= MAX_VERSION:
            raise UpcastError(f"a version is an int from 1 to {MAX_VERSION}, not {shown(version)}")
    if to_version <= from_version:
        raise UpcastError(
            f"an upcaster of {cmd!r} leads from version {from_version} to {to_version}, which is not newer"
        )
    if not callable(function):
        raise UpcastError(f"an upcaster is a function that takes and returns a dict, not {shown(function)}")
    return Step(from_version, to_version, function)


def _lifted(event: Event, path: tuple[Step, ...], data: dict[str, Any]) -> dict[str, Any]:
    for step in path:
        try:
            data = step.function(data)
        except Exception as error:
            raise _failure(event, step, f"raised {type(error).__name__}: {error}") from error
        if type(data) is not dict:
            raise _failure(event, step, f"returned {shown(data)} instead of a dict")
    try:
        return decode_object(encode_object(data, "data"))  # JSON, and shared with nobody
    except InvalidEventError as error:
        raise _failure(event, path[-1], f"returned what is no JSON object: {error.message}") from error


def _failure(event: Event, step: Step, what: str) -> UpcastError:
    return UpcastError(
        f"the upcaster of {event.cmd!r} from version {step.from_version} to {step.to_version} {what}; "
        f"it was called for event {event.id}",
        hint="Mend the function; the stored event is as it was.",
        position=event.id,
    )


def _unpickled(kind: type[LiftedEvent], row: Row, version: int, data: dict[str, Any]) -> LiftedEvent:
    event = kind(row, (Step(row[1], version, dict),))
    event._data = data
    return event
