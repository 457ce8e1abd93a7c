"""What is shown of settings that may be secret."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import unquote

from eventlite.profile.references import is_reference

#: What stands in the place of a secret.
HIDDEN = "***"

_SECRET_KEY = re.compile(r"dsn|passw|pwd|token|secret|credential|(?:api|access|private|encryption|signing)_?key", re.I)
# Up to the last @ there is: a password may hold anything, and hiding too much is harmless. A URL that was taken for a
# path has lost a slash.
_URL_PASSWORD = re.compile(r"(:/+[^:@]*):(.*)@", re.S)
_URL_PARAMETER = re.compile(rf"([?&;][^=&;]*(?:{_SECRET_KEY.pattern})[^=&;]*=)([^&;]*)", re.I)


def looks_secret(key: str) -> bool:
    """Whether a setting of that name should not be shown."""
    return _SECRET_KEY.search(key) is not None


def redacted(key: str, value: Any) -> Any:
    """The value of a dotted key as it may be shown: JSON, a reference as it is written, no secret."""
    if isinstance(value, Mapping):
        return dict(value) if is_reference(value) else {name: redacted(f"{key}.{name}", value[name]) for name in value}
    if isinstance(value, list | tuple):
        return [redacted(key, part) for part in value]
    if isinstance(value, str):
        shown = not looks_secret(key) or (key.endswith("dsn") and "://" in value)
        return _without_passwords(value) if shown else HIDDEN
    return HIDDEN if looks_secret(key) and _tells_something(value) else value


def without(secrets: Collection[str], text: str) -> str:
    """The text with every occurrence of a secret hidden, its parts and usual spellings too."""
    spellings = {spelling for secret in secrets for part in _parts(secret) for spelling in _spellings(part)}
    for spelling in sorted(spellings - {""}, key=len, reverse=True):
        text = text.replace(spelling, HIDDEN)
    return text


def _tells_something(value: object) -> bool:
    return value is not None and not isinstance(value, bool)


def _without_passwords(text: str) -> str:
    return _URL_PARAMETER.sub(rf"\1{HIDDEN}", _URL_PASSWORD.sub(rf"\1:{HIDDEN}@", text))


def _parts(secret: str) -> list[str]:
    """The secret, and the passwords in it if it is a URL."""
    found = [match[2] for match in (*_URL_PASSWORD.finditer(secret), *_URL_PARAMETER.finditer(secret))]
    return [secret, *found, *map(unquote, found)]


def _spellings(text: str) -> tuple[str, ...]:
    return text, repr(text)[1:-1], json.dumps(text)[1:-1]
