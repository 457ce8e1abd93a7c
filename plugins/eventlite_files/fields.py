"""From the fields of a record to a draft of an event, under the rules of an append."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from eventlite.drafting import encode
from eventlite.errors import InvalidEventError
from eventlite.event import MAX_ID, Draft, NewEvent, to_microseconds
from eventlite_files.mapping import Fields
from eventlite_files.strictjson import parse

# What a shift to UTC can lead beyond.
_FIRST = to_microseconds(dt.datetime.min.replace(tzinfo=dt.UTC))
_LAST = to_microseconds(dt.datetime.max.replace(tzinfo=dt.UTC))


class Drafter:
    """Makes drafts; what a record leaves out depends only on when the import began, so that a resumed one repeats it.

    `started` is in microseconds since the epoch, `seed` a random number of 62 bits.
    """

    def __init__(self, started: int, seed: int) -> None:
        self._started = started
        self._low = 2 << 62 | seed

    def draft(self, fields: Fields, number: int) -> Draft:
        """The draft of the record with that number; correlation "" stands for that of its cause.

        Raises `InvalidEventError`.
        """
        get = fields.get
        cmd, version, recorded, cause = get("cmd"), get("version"), get("datetime"), get("causation_id")
        given, key = get("correlation_id"), get("key")
        if cmd is None:
            raise InvalidEventError("cmd is missing")
        cause = None if cause is None or cause == "" else _identity(cause, "causation_id")
        given = None if given == "" else given
        event = NewEvent(
            cmd,
            _object(get("data"), "data"),
            _text(get("user")),
            _text(get("ip")),
            1 if version is None or version == "" else _number(version, "version"),
            _object(get("metadata"), "metadata"),
            _tags(get("tags")),
            None if key == "" else key,
            given,
        )
        return encode(
            event,
            self._started if recorded is None or recorded == "" else moment(recorded),
            given if given is not None else self.correlation(number) if cause is None else "",
            cause,
        )

    def correlation(self, number: int) -> str:
        """The UUIDv7 of the record with that number: 4,096 of them a millisecond from the start of the import on."""
        high = self._started // 1000 + (number >> 12) << 16 | 7 << 12 | number & 0xFFF
        return str(uuid.UUID(int=high << 64 | self._low))


def identity(fields: Fields) -> int | None:
    """The id that a record gives itself, or None; raises `InvalidEventError`."""
    value = fields.get("id")
    return None if value is None or value == "" else _identity(value, "id")


def moment(value: object) -> int:
    """Microseconds since the epoch of ISO 8601 text or a datetime, UTC unless it says; what is finer is cut off."""
    if type(value) is str:
        try:
            value = dt.datetime.fromisoformat(value)
        except ValueError:
            raise InvalidEventError(f"datetime {value!r:.80} is not an ISO 8601 time") from None
    if not isinstance(value, dt.datetime):
        raise InvalidEventError(
            f"datetime must be a text, not {value!r:.80}", hint="Write it in ISO 8601: 2026-01-31T12:00:00.000000Z."
        )
    microseconds = to_microseconds(value if value.tzinfo else value.replace(tzinfo=dt.UTC))
    if not _FIRST <= microseconds <= _LAST:
        raise InvalidEventError(f"datetime {value.isoformat()} is beyond the years 1 to 9999 in UTC")
    return microseconds


def _identity(value: object, field: str) -> int:
    number = _number(value, field)
    if type(number) is not int or not 1 <= number <= MAX_ID:
        raise InvalidEventError(f"{field} must be a number from 1 to {MAX_ID}, not {value!r:.80}")
    return number


def _number(value: Any, field: str) -> Any:
    """A number that may be written as a text; its range and type are checked by others."""
    if type(value) is not str:
        return value
    if not (value.isascii() and value.isdecimal() and len(value) < 20):
        raise InvalidEventError(f"{field} must be a number, not {value!r:.80}")
    return int(value)


def _text(value: Any) -> Any:
    return "" if value is None else value


def _object(value: Any, field: str) -> Any:
    """An object that may be written as JSON text; whether it is one is checked by others."""
    if type(value) is not str:
        return value
    if not value:
        return None
    try:
        return parse(value.encode())
    except InvalidEventError as error:
        raise InvalidEventError(f"{field} is {error.message}") from None
    except UnicodeEncodeError:
        raise InvalidEventError(f"{field} has a lone surrogate") from None


def _tags(value: Any) -> Any:
    """Tags that may be written as a JSON list, or one as it is."""
    if type(value) is not str:
        return () if value is None else value
    return _object(value, "tags") if value.startswith("[") else (value,) if value else ()
