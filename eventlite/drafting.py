"""From `NewEvent`s to a `CommitRequest`: checks every value, encodes JSON, settles correlations."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from struct import pack
from typing import Any, cast
from zlib import crc32

from orjson import dumps

from eventlite.contracts.writing import CommitRequest, PlainDrafts
from eventlite.earlier import NOTHING, REMEMBERED, Earlier, positions
from eventlite.errors import InvalidEventError, shown
from eventlite.event import MAX_ID, Draft, Event, NewEvent, PlainDraft, from_plain, is_plain, seal, to_plain
from eventlite.jsontext import MAX_BYTES, OPTIONS, encode_object, is_unicode, text_of
from eventlite.query import Condition

if sys.version_info >= (3, 14):
    from uuid import uuid7
else:
    from uuid_utils import uuid7

#: Characters that a cmd, user, ip, tag, key or correlation_id may have; what every engine can index.
MAX_NAME = 255

#: Tags that an event may have.
MAX_TAGS = 1000

#: The largest schema version of a payload.
MAX_VERSION = 2**31 - 1


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


def new_correlation() -> str:
    """A new correlation id: a UUIDv7 (RFC 9562), so that ids made later sort later and index well."""
    return str(uuid7())


def new_correlations(amount: int) -> Iterator[str]:
    """New correlation ids without end. When `amount` of them will be needed at once, each costs half as much."""
    if amount < _WORTH_A_SERIES:
        return iter(new_correlation, "")
    return chain.from_iterable(iter(partial(_series, min(amount, _LONGEST_SERIES)), ()))


def _series(amount: int) -> Iterator[str]:
    """UUIDv7s of one moment: their last 48 bits are a counter that begins anywhere, and chance (RFC 9562, 6.2)."""
    first = int.from_bytes(os.urandom(2)) >> 1  # the other half is room for the longest series
    counter, chance = pack(f">{amount}H", *range(first, first + amount)), os.urandom(4 * amount)
    last = bytearray(6 * amount)
    for place, column in enumerate((counter[::2], counter[1::2], *(chance[byte::4] for byte in range(4)))):
        last[place::6] = column
    return map(new_correlation()[:-12].__add__, last.hex("-", 6).split("-"))


_WORTH_A_SERIES = 8
_LONGEST_SERIES = 2**14


def draft_batch(
    events: Sequence[NewEvent],
    condition: Condition | None = None,
    *,
    recorded: int,
    earlier: Earlier = NOTHING,
) -> CommitRequest:
    """Check and encode a batch. Raises `InvalidEventError` that names the event and the field.

    An event may be caused by one before it in the batch, or by one that is remembered as `earlier`.
    """
    return _Batch(events, recorded, earlier).request(condition)


class _Batch:
    """One batch while it is drafted."""

    def __init__(self, events: Sequence[NewEvent], recorded: int, earlier: Earlier) -> None:
        self._events = events
        self._recorded = recorded
        self._earlier = earlier
        self._correlations = new_correlations(len(events))
        self._rows: list[Draft | PlainDraft] = []
        self._links: dict[int, int] = {}
        self._plain = True
        self._caused = False
        self._keyed = False

    @cached_property
    def _positions(self) -> Mapping[int, int]:
        return positions(self._events)

    def request(self, condition: Condition | None) -> CommitRequest:
        try:
            self._draft_all()
        except InvalidEventError as error:
            raise _at(len(self._rows), len(self._events), error) from None
        given: frozenset[int] = frozenset()
        if self._keyed:
            given = frozenset(i for i, event in enumerate(self._events) if event.correlation_id is not None)
        return CommitRequest(
            self._drafts(),
            condition,
            links=self._links,
            caused=self._caused,
            keyed=self._keyed,
            given_correlations=given,
        )

    def _drafts(self) -> Sequence[Draft]:
        if self._plain:
            return PlainDrafts(cast("list[PlainDraft]", self._rows))
        return [from_plain(row) if len(row) == _PLAIN else row for row in self._rows]  # type: ignore[misc, arg-type]

    def _draft_all(self) -> None:
        """Draft usual events at once, in one loop: calls to functions would make it half as slow again.

        An event of which anything is unusual takes the careful way, which also says what is wrong. What is sealed here
        is what `seal` says of an event without cause and key.
        """
        rows, recorded, known, correlations = self._rows, self._recorded, _known_names, self._correlations
        digits, at = _DIGITS, f" {recorded} None\n"
        checked: str | None = None
        for event in self._events:
            row: Draft | PlainDraft | None = None
            try:
                version, user, ip, cmd = event.version, event.user, event.ip, event.cmd
                correlation, data, metadata = event.correlation_id, event.data, event.metadata
                if (
                    event.cause is None
                    and event.key is None
                    and type(version) is int
                    and version in digits
                    and type(cmd) is type(user) is type(ip) is str
                    and (cmd in known or _learn(cmd, "cmd"))
                    and (not user or user in known or _learn(user, "user"))
                    and (not ip or ip in known or _learn(ip, "ip"))
                    and type(data) is dict
                    and (metadata is None or type(metadata) is dict)
                ):
                    if correlation is None:
                        correlation = next(correlations)
                    elif correlation is not checked:
                        check_name(correlation, "correlation_id")
                        checked = correlation
                    tags = encode_tags(event.tags) if event.tags else "[]"
                    text = dumps(data, text_of, OPTIONS).decode()
                    more = "{}" if metadata is None else dumps(metadata, text_of, OPTIONS).decode()
                    line = f"{digits[version]}{at}{user}\n{ip}\n{cmd}\n{text}\n{correlation}\n{more}\n{tags}\nNone"
                    sealed = line.encode()
                    if "null" not in line and len(sealed) <= MAX_BYTES:
                        crc = crc32(sealed)
                        if tags == "[]":
                            row = version, recorded, user, ip, cmd, text, correlation, more, crc
                        else:
                            row = version, recorded, user, ip, cmd, text, correlation, None, more, tags, None, crc
                            self._plain = False
            except (TypeError, AttributeError):
                pass
            rows.append(row or self._careful(event))

    def _careful(self, event: NewEvent) -> Draft | PlainDraft:
        """Any event: checks value by value, and remembers what the request must say of the batch."""
        try:
            draft = self._draft(event)
        except AttributeError:
            raise InvalidEventError(
                f"event {len(self._rows)} of the batch is a {type(event).__name__}, not a NewEvent"
            ) from None
        if is_plain(draft) and not self._caused:
            return to_plain(draft)
        self._plain = False
        return draft

    def _draft(self, event: NewEvent) -> Draft:
        if event.key is not None:
            self._keyed = True
        if event.cause is not None:
            return self._caused_draft(len(self._rows), event)
        correlation = event.correlation_id
        return encode(event, self._recorded, next(self._correlations) if correlation is None else correlation, None)

    def _caused_draft(self, index: int, event: NewEvent) -> Draft:
        cause, correlation = event.cause, event.correlation_id
        self._caused = True
        if isinstance(cause, NewEvent):
            position = self._positions.get(id(cause), index)
            if position < index:
                self._links[index] = position
                inherited = self._rows[position][6]  # where both kinds have it
                return encode(event, self._recorded, inherited if correlation is None else correlation, None)
            cause = _earlier_id(cause, self._earlier)
        if isinstance(cause, Event):
            return encode(event, self._recorded, cause.correlation_id if correlation is None else correlation, cause.id)
        if type(cause) is not int or not 1 <= cause <= MAX_ID:
            raise InvalidEventError(
                f"cause must be an Event, an id or an earlier NewEvent of the same batch, not {shown(cause)}"
            )
        return encode(event, self._recorded, "" if correlation is None else correlation, cause)


def encode(event: NewEvent, recorded: int, correlation_id: str, causation_id: int | None) -> Draft:
    """Check one event's own values and encode it; correlation "" is left to be inherited."""
    version, user, ip, cmd, tags, key = event.version, event.user, event.ip, event.cmd, event.tags, event.key
    if type(version) is not int or not 1 <= version <= MAX_VERSION:
        raise InvalidEventError(f"version must be an int from 1 to {MAX_VERSION}, not {shown(version)}")
    if type(cmd) is not str or cmd not in _known_names:
        _learn(cmd, "cmd")
    if user != "" and (type(user) is not str or user not in _known_names):
        _learn(user, "user")
    if ip != "" and (type(ip) is not str or ip not in _known_names):
        _learn(ip, "ip")
    if correlation_id != "" or event.correlation_id == "":
        check_name(correlation_id, "correlation_id")
    if key is not None:
        check_name(key, "key")
    data = "{}" if event.data is None else encode_object(event.data, "data")
    metadata = "{}" if event.metadata is None else encode_object(event.metadata, "metadata")
    tags_text = encode_tags(tags) if tags else "[]"
    crc = seal(version, recorded, user, ip, cmd, data, correlation_id, causation_id, metadata, tags_text, key)
    return version, recorded, user, ip, cmd, data, correlation_id, causation_id, metadata, tags_text, key, crc


def encode_tags(tags: object) -> str:
    """Tags as JSON text, each once: a sequence in its order, a set sorted so that it is always the same text."""
    if type(tags) is not tuple and type(tags) is not list:  # as nearly all are
        tags = _listed_tags(tags)
    if len(tags) > MAX_TAGS:
        raise InvalidEventError(f"an event may have {MAX_TAGS:,} tags, not {len(tags):,}")
    for tag in tags:
        check_name(tag, "a tag")
    return dumps(list(dict.fromkeys(tags))).decode()


def _listed_tags(tags: object) -> list[Any]:
    if isinstance(tags, set | frozenset):
        return sorted(tags, key=str)  # whatever is no text is refused later
    if isinstance(tags, str | Mapping) or not isinstance(tags, Sequence):
        raise InvalidEventError(f"tags must be several texts, not {shown(tags)}", hint='For example tags=["user:42"].')
    return list(tags)


def check_name(value: Any, field: str) -> None:
    """Raise `InvalidEventError` unless the value is a text of 1 to 255 characters without NUL or lone surrogates."""
    if type(value) is str and 0 < len(value) <= MAX_NAME and value.isprintable():
        return  # NUL and surrogates are not printable, and nearly every name is
    if type(value) is not str:
        raise InvalidEventError(f"{field} must be a text, not {type(value).__name__}: {shown(value)}")
    if not 0 < len(value) <= MAX_NAME:
        raise InvalidEventError(f"{field} must have 1 to {MAX_NAME} characters, not {len(value):,}")
    if "\0" in value or not is_unicode(value):
        raise InvalidEventError(f"{field} has a NUL or a lone surrogate: {shown(value)}")


def _learn(name: Any, field: str) -> bool:
    """Check a name, and remember it: commands and users come again and again. True, to stand in a condition."""
    check_name(name, field)
    if len(_known_names) >= 4096:
        _known_names.clear()
    _known_names.add(name)
    return True


_known_names: set[str] = set()

#: The versions that nearly all events have, as text.
_DIGITS = {number: str(number) for number in range(1, 10)}

#: Values of a `PlainDraft`; a `Draft` has more.
_PLAIN = 9


def _earlier_id(cause: NewEvent, earlier: Earlier) -> int:
    id = earlier.id_of(cause)
    if id is None:
        raise InvalidEventError(
            "its cause is a NewEvent that does not come earlier in the same batch",
            hint=f"append_bulk also knows the {REMEMBERED:,} before a batch. Name others by their Event or id.",
        )
    return id


def _at(index: int, size: int, error: InvalidEventError) -> InvalidEventError:
    if size == 1:
        return error
    return InvalidEventError(f"event {index} of the batch: {error.message}", hint=error.hint)
