"""JSON as it stands in a file, refusing whatever orjson would change in silence."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from eventlite.errors import InvalidEventError

# Nineteen digits are where 64 bits may end. Finding them among 0s and blanks is eight times faster than a regex is.
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_LONG = b"0" * 19

_SMALLEST, _LARGEST = -(2**63), 2**64 - 1
_MOST_DIGITS = 20


def parse(text: bytes) -> Any:
    """The value that the text means; raises `InvalidEventError` saying what is wrong and at which column."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidEventError(f"not valid JSON: {_reason(error)}") from None
    if _LONG in text.translate(_DIGITS):
        _refuse_large_integers(text)
    return value


def _reason(error: orjson.JSONDecodeError) -> str:
    said = re.sub(r": line \d+ column \d+ \(char \d+\)$", "", str(error))
    return f"{said} (column {error.pos + 1})"


def _refuse_large_integers(text: bytes) -> None:
    """Raise `InvalidEventError` for an integer that orjson reads as a float."""
    try:
        json.loads(text, parse_int=_check_integer)
    except RecursionError:
        raise InvalidEventError("not valid JSON: nested too deeply") from None


def _check_integer(digits: str) -> None:
    if len(digits.lstrip("-")) > _MOST_DIGITS or not _SMALLEST <= int(digits) <= _LARGEST:
        raise InvalidEventError(
            f"the integer {digits if len(digits) < 40 else digits[:37] + '...'} has more than 64 bits",
            hint="Write it as a text.",
        )
