"""JSON objects to text and back, refusing whatever would not come back as it went in."""

from __future__ import annotations

import datetime
import math
import uuid
from typing import Any

import orjson

from eventlite.errors import InvalidEventError

#: Levels of nesting that a payload may have, its own object included; orjson's encoder goes no deeper.
MAX_DEPTH = 254

#: Bytes of JSON that one payload may have (16 MiB).
MAX_BYTES = 16 * 2**20

#: How events are encoded. Passing these through to `text_of` is what lets us refuse dataclasses, subclasses and times.
OPTIONS = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
_CANONICAL = OPTIONS | orjson.OPT_SORT_KEYS


def encode_object(value: object, field: str) -> str:
    """Encode a dict as JSON text; `field` names it in an error.

    Raises `InvalidEventError` for whatever is not JSON (only datetime, date and UUID become text and a tuple a list),
    for NaN and Infinity, lone surrogates, integers beyond 64 bits, more than `MAX_DEPTH` levels or `MAX_BYTES` bytes.
    """
    if type(value) is not dict:
        raise InvalidEventError(f"{field} must be a dict, not {type(value).__name__}")
    try:
        encoded = orjson.dumps(value, text_of, OPTIONS)
    except TypeError as error:
        raise _refusal(field, error) from None
    if len(encoded) > MAX_BYTES:
        raise _too_large(field, len(encoded))
    text = encoded.decode()
    if "null" in text:  # what orjson makes of NaN, too: only then is the payload worth walking
        refuse_not_finite(value, field)
    return text


#: Any JSON text as a Python value; raises `ValueError`.
loads = orjson.loads


def decode_object(text: str | bytes) -> dict[str, Any]:
    """The dict that `encode_object` made this text from."""
    decoded: dict[str, Any] = orjson.loads(text)
    return decoded


def canonical(value: object) -> bytes:
    """JSON with sorted keys: equal bytes exactly for equal JSON, where 1, 1.0 and true differ."""
    return orjson.dumps(value, text_of, _CANONICAL)


def same_json(text: str, other: str) -> bool:
    """Whether two JSON texts say the same, whatever the order of their keys."""
    return text == other or canonical(orjson.loads(text)) == canonical(orjson.loads(other))


def is_unicode(text: str) -> bool:
    """Whether the text can be written as UTF-8: it holds no lone surrogate."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_of(value: object) -> str | list[Any]:
    """What orjson calls for a value it does not know."""
    if type(value) in (datetime.datetime, datetime.date):
        return value.isoformat()  # type: ignore[attr-defined, no-any-return]
    if isinstance(value, uuid.UUID):
        return str(value)
    if type(value) is tuple:
        return list(value)
    raise TypeError(f"a value of type {type(value).__name__} is not JSON")


def _refusal(field: str, error: Exception) -> InvalidEventError:
    reason = str(error.__cause__ or error)
    if "ecursion" in reason:
        reason = f"it is nested more than {MAX_DEPTH} levels deep"
    return InvalidEventError(
        f"{field} cannot be stored as JSON: {reason}",
        hint="Use dict with str keys, list, str, int (64 bits), finite float, bool and None; "
        "datetime, date and UUID become text.",
    )


def _too_large(field: str, size: int) -> InvalidEventError:
    return InvalidEventError(
        f"{field} has {size:,} bytes of JSON, more than the {MAX_BYTES:,} that one event may have",
        hint="Store the large part elsewhere and put its address into the event.",
    )


def refuse_not_finite(value: object, path: str) -> None:
    """Raise `InvalidEventError` for a NaN or Infinity anywhere inside; `path` is what the value is called."""
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidEventError(
            f"{path} is {value}, which JSON cannot hold",
            hint="Use None or a text instead.",
        )
    if isinstance(value, dict):
        for key, item in value.items():
            refuse_not_finite(item, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            refuse_not_finite(item, f"{path}[{index}]")
