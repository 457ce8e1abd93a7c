"""From `NewEvent`s to a `CommitRequest`: checks every value, encodes JSON, settles correlations."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from eventlite.contracts.writing import CommitRequest
from eventlite.errors import InvalidEventError, shown
from eventlite.event import MAX_ID, Draft, Event, NewEvent, seal
from eventlite.jsontext import encode_object, is_unicode
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


def draft_batch(events: Sequence[NewEvent], condition: Condition | None = None, *, recorded: int) -> CommitRequest:
    """Check and encode a batch. Raises `InvalidEventError` that names the event and the field."""
    if len(events) == 1:
        event = events[0]
        if isinstance(event, NewEvent) and event.cause is None:  # the path of nearly every append
            correlation = event.correlation_id
            draft = encode(event, recorded, new_correlation() if correlation is None else correlation, None)
            given = frozenset() if correlation is None else frozenset((0,))
            return CommitRequest((draft,), condition, keyed=draft[10] is not None, given_correlations=given)
    return _Batch(events, recorded).request(condition)


class _Batch:
    """The causes inside one batch, while it is drafted."""

    def __init__(self, events: Sequence[NewEvent], recorded: int) -> None:
        self._events = events
        self._recorded = recorded
        self._drafts: list[Draft] = []
        self._links: dict[int, int] = {}
        self._caused = False

    @cached_property
    def _positions(self) -> dict[int, int]:
        """The index of each event in the batch, by the identity of its object."""
        return {id(event): index for index, event in reversed(list(enumerate(self._events)))}

    def request(self, condition: Condition | None) -> CommitRequest:
        recorded, drafts = self._recorded, self._drafts
        for index, event in enumerate(self._events):
            try:
                if event.cause is not None:
                    drafts.append(self._caused_draft(index, event))
                else:
                    correlation = event.correlation_id
                    drafts.append(
                        encode(event, recorded, new_correlation() if correlation is None else correlation, None)
                    )
            except InvalidEventError as error:
                raise _at(index, len(self._events), error) from None
            except AttributeError:
                raise InvalidEventError(
                    f"event {index} of the batch is a {type(event).__name__}, not a NewEvent"
                ) from None
        keyed = any(draft[10] is not None for draft in drafts)
        given = frozenset[int]()
        if keyed:
            given = frozenset(i for i, event in enumerate(self._events) if event.correlation_id is not None)
        return CommitRequest(
            drafts, condition, links=self._links, caused=self._caused, keyed=keyed, given_correlations=given
        )

    def _caused_draft(self, index: int, event: NewEvent) -> Draft:
        cause, correlation = event.cause, event.correlation_id
        self._caused = True
        if isinstance(cause, NewEvent):
            self._links[index] = _link(cause, index, self._positions)
            inherited = self._drafts[self._links[index]][6]
            return encode(event, self._recorded, inherited if correlation is None else correlation, None)
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
    if isinstance(tags, str | Mapping) or not isinstance(tags, Sequence | set | frozenset):
        raise InvalidEventError(f"tags must be several texts, not {shown(tags)}", hint='For example tags=["user:42"].')
    if len(tags) > MAX_TAGS:
        raise InvalidEventError(f"an event may have {MAX_TAGS:,} tags, not {len(tags):,}")
    for tag in tags:
        check_name(tag, "a tag")
    return orjson.dumps(list(dict.fromkeys(tags)) if isinstance(tags, Sequence) else sorted(tags)).decode()


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


def _learn(name: Any, field: str) -> None:
    """Check a name, and remember it: commands and users come again and again."""
    check_name(name, field)
    if len(_known_names) >= 4096:
        _known_names.clear()
    _known_names.add(name)


_known_names: set[str] = set()


def _link(cause: NewEvent, index: int, positions: Mapping[int, int]) -> int:
    position = positions.get(id(cause), index)
    if position >= index:
        raise InvalidEventError("its cause is a NewEvent that does not come earlier in the same batch")
    return position


def _at(index: int, size: int, error: InvalidEventError) -> InvalidEventError:
    if size == 1:
        return error
    return InvalidEventError(f"event {index} of the batch: {error.message}", hint=error.hint)
