"""What a caller hands in (`NewEvent`), what the store keeps (`Row`) and what it returns (`Event`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from zlib import crc32

from eventlite.errors import CorruptionError
from eventlite.jsontext import encode_object, loads

#: The largest id a store may give: 2^53 - 1, the largest integer that every JSON reader keeps exact.
MAX_ID = 2**53 - 1

#: An event as storages and caches keep it, thirteen plain values: id, version, datetime (microseconds since the epoch),
#: user, ip, cmd, data (JSON text), correlation_id, causation_id, metadata (JSON text), tags (JSON text), key, crc.
Row: TypeAlias = tuple[int, int, int, str, str, str, str, str, int | None, str, str, str | None, int]

#: A `Row` that has no id yet.
Draft: TypeAlias = tuple[int, int, str, str, str, str, str, int | None, str, str, str | None, int]

#: A `Draft` without cause, tags and key, as nearly all are: version, datetime, user, ip, cmd, data, correlation_id,
#: metadata, crc.
PlainDraft: TypeAlias = tuple[int, int, str, str, str, str, str, str, int]

#: The names of a row's values, in order.
COLUMNS = (
    "id", "version", "datetime", "user", "ip", "cmd", "data",
    "correlation_id", "causation_id", "metadata", "tags", "key", "crc",
)  # fmt: skip

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(slots=True, eq=False)
class NewEvent:
    """An event to append.

    `cause` is the event that led to this one: an `Event`, an id, or an earlier `NewEvent` of the same batch or
    load. Without a `correlation_id` the event inherits its cause's, else it gets a new UUIDv7. `key` makes the append
    idempotent. Nothing is checked before the append.
    """

    cmd: str
    data: dict[str, Any] | None = None
    user: str = ""
    ip: str = ""
    version: int = 1
    metadata: dict[str, Any] | None = None
    tags: Sequence[str] = ()
    key: str | None = None
    correlation_id: str | None = None
    cause: Event | NewEvent | int | None = None


class Event:
    """A stored event. `data` and `metadata` are decoded when first touched, then kept."""

    __slots__ = ("_data", "_metadata", "_row")

    def __init__(self, row: Row) -> None:
        self._row = row
        # None is cheaper to test than an empty slot, which raises.
        self._data: dict[str, Any] | None = None
        self._metadata: dict[str, Any] | None = None

    @property
    def id(self) -> int:
        """Global position: grows in commit order, is never reused, may have gaps."""
        return self._row[0]

    @property
    def version(self) -> int:
        """Schema version of `data`, from 1."""
        return self._row[1]

    @property
    def datetime(self) -> dt.datetime:
        """When it was recorded, in UTC."""
        try:
            return from_microseconds(self._row[2])
        except OverflowError:
            raise damaged(self._row) from None

    @property
    def user(self) -> str:
        """Who; may be empty."""
        return self._row[3]

    @property
    def ip(self) -> str:
        """From where; may be empty."""
        return self._row[4]

    @property
    def cmd(self) -> str:
        """The command or event type."""
        return self._row[5]

    @property
    def data(self) -> dict[str, Any]:
        """The payload. Raises `CorruptionError` if it is not what was written."""
        if self._data is None:
            self._data = self._decoded(6, dict)
        return self._data

    @property
    def correlation_id(self) -> str:
        """The business transaction it belongs to."""
        return self._row[7]

    @property
    def causation_id(self) -> int | None:
        """The id of the event that caused it."""
        return self._row[8]

    @property
    def metadata(self) -> dict[str, Any]:
        """Whatever else was recorded."""
        if self._metadata is None:
            self._metadata = self._decoded(9, dict)
        return self._metadata

    @property
    def tags(self) -> tuple[str, ...]:
        """What the event is about, such as `user:42`."""
        return tuple(self._decoded(10, list)) if self._row[10] != "[]" else ()

    @property
    def key(self) -> str | None:
        """The idempotency key."""
        return self._row[11]

    @property
    def row(self) -> Row:
        """The stored values, undecoded: what plugins and exports work on."""
        return self._row

    def _decoded(self, column: int, kind: type) -> Any:
        try:
            value = loads(self._row[column])  # type: ignore[arg-type]
        except ValueError:
            raise damaged(self._row) from None
        if type(value) is not kind:
            raise damaged(self._row)
        return value

    def to_dict(self) -> dict[str, Any]:
        """The twelve fields by name; `datetime` as ISO text, `tags` as a list, so that it is JSON."""
        return {
            "id": self.id,
            "version": self.version,
            "datetime": to_iso(to_microseconds(self.datetime)),
            "user": self.user,
            "ip": self.ip,
            "cmd": self.cmd,
            "data": self.data,
            "correlation_id": self.correlation_id,
            "causation_id": self.causation_id,
            "metadata": self.metadata,
            "tags": list(self.tags),
            "key": self.key,
        }

    def __eq__(self, other: object) -> bool:
        return self._row == other._row if isinstance(other, Event) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._row)

    def __repr__(self) -> str:
        try:
            return f"<Event {self.id} {self.cmd} {to_iso(self._row[2])}>"
        except OverflowError:
            return f"<Event {self.id} {self.cmd}, damaged>"

    def __reduce__(self) -> tuple[type[Event], tuple[Row]]:
        return type(self), (self._row,)


class VerifiedEvent(Event):
    """An `Event` that compares its checksum before it decodes anything; raises `CorruptionError`."""

    __slots__ = ()

    def _decoded(self, column: int, kind: type) -> Any:
        verify_checksum(self._row)
        return super()._decoded(column, kind)


def seal(
    version: int,
    recorded: int,
    user: str,
    ip: str,
    cmd: str,
    data: str,
    correlation: str,
    causation: int | None,
    metadata: str,
    tags: str,
    key: str | None,
) -> int:
    """The crc32 of everything in a draft but its last value, the checksum itself; the id is no part of it."""
    text = f"{version} {recorded} {causation}\n{user}\n{ip}\n{cmd}\n{data}\n{correlation}\n{metadata}\n{tags}\n{key}"
    return crc32(text.encode())


def checksum(draft: Sequence[Any]) -> int:
    """`seal` of a draft, or of its first eleven values."""
    return seal(*draft[:11])


def verify_checksum(row: Row) -> None:
    """Raise `CorruptionError` unless the row is what was written."""
    if seal(*row[1:12]) != row[12]:
        raise damaged(row)


def rewritten(event: Event) -> Row:
    """The row as the event shows itself: an event that was lifted with its new version, data and checksum."""
    row = event.row
    if event.version == row[1]:
        return row
    values = (event.version, *row[2:6], encode_object(event.data, "data"), *row[7:12])
    return (row[0], *values, checksum(values))


def damaged(row: Row) -> CorruptionError:
    """The error for a row that is not what was written."""
    return CorruptionError(
        f"event {row[0]} is damaged: what is stored is not what was written",
        hint="Run `eventlite verify` to find every damaged event, then restore a backup.",
        position=row[0],
    )


def caused(draft: Draft, causation_id: int | None, correlation_id: str) -> Draft:
    """The draft with its cause and correlation settled, and its checksum made anew."""
    settled = (*draft[:6], correlation_id, causation_id, *draft[8:11])
    return (*settled, checksum(settled))


def is_plain(draft: Draft) -> bool:
    """Whether the draft has no cause, tags and key."""
    return draft[7] is None and draft[9] == "[]" and draft[10] is None


def to_plain(draft: Draft) -> PlainDraft:
    """A draft that `is_plain` with its nine values."""
    return (*draft[:7], draft[8], draft[11])


def from_plain(plain: PlainDraft) -> Draft:
    """The draft that a plain one stands for."""
    version, recorded, user, ip, cmd, data, correlation, metadata, crc = plain
    return version, recorded, user, ip, cmd, data, correlation, None, metadata, "[]", None, crc


def decode_tags(text: str) -> tuple[str, ...]:
    """The tags of a row."""
    return () if text == "[]" else tuple(loads(text))


def to_microseconds(moment: dt.datetime) -> int:
    """Microseconds since 1970-01-01 UTC of an aware datetime, exact from year 1 to 9999."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(moment: int) -> dt.datetime:
    """The aware UTC datetime of microseconds since 1970-01-01 UTC."""
    return _EPOCH + dt.timedelta(microseconds=moment)


def to_iso(moment: int) -> str:
    """ISO 8601 with microseconds and a Z: `2026-01-31T12:00:00.000000Z`; sorts as time does."""
    return from_microseconds(moment).isoformat(timespec="microseconds")[:-6] + "Z"
