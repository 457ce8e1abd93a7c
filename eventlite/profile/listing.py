"""Every setting of a profile, ready to be shown: its value without secrets, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from eventlite.profile.model import DEFAULT, Origin, Profile
from eventlite.profile.redaction import redacted
from eventlite.profile.references import has_reference, is_reference

if TYPE_CHECKING:
    from pydantic import BaseModel


class Shown(NamedTuple):
    """One setting: dotted key, value as JSON with secrets hidden, origin."""

    key: str
    value: Any
    origin: Origin


class Difference(NamedTuple):
    """One setting that two profiles do not share: dotted key, and both values as JSON with secrets hidden, or None."""

    key: str
    left: Any
    right: Any


def listing(profile: Profile, settings: Mapping[str, BaseModel]) -> list[Shown]:
    """Every setting; `settings` are the sections as instances of their plugins' models, defaults included."""
    values = _effective(profile, settings)
    return [Shown(key, redacted(key, value), _origin(profile.origins, key)) for key, value in values.items()]


def differences(
    left: Profile, left_settings: Mapping[str, BaseModel], right: Profile, right_settings: Mapping[str, BaseModel]
) -> list[Difference]:
    """The settings that differ, also where that is a secret which is not shown."""
    one, other = _effective(left, left_settings), _effective(right, right_settings)
    return [
        Difference(key, redacted(key, one.get(key)), redacted(key, other.get(key)))
        for key in dict.fromkeys([*one, *other])
        if one.get(key) != other.get(key)
    ]


def _effective(profile: Profile, settings: Mapping[str, BaseModel]) -> dict[str, Any]:
    """Every value by dotted key, secrets included; references as they are written."""
    from pydantic_core import to_jsonable_python

    sections = {"profile": {"extensions": list(profile.extensions), "verify_reads": profile.verify_reads}}
    for concern, model in settings.items():
        given = profile.sections[concern]
        values = {"plugin": given["plugin"], **to_jsonable_python(model, fallback=str)}
        sections[concern] = {
            key: given[key] if has_reference(given.get(key)) else value for key, value in values.items()
        }
    return {key: value for section, values in sections.items() for key, value in _leaves(section, values)}


def _leaves(prefix: str, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of a table by dotted key; a table inside of it goes on, unless it is empty or a reference."""
    for name, value in values.items():
        key = f"{prefix}.{name}"
        if isinstance(value, Mapping) and value and not is_reference(value):
            yield from _leaves(key, value)
        else:
            yield key, value


def _origin(origins: Mapping[str, Origin], key: str) -> Origin:
    """The origin of a key, or of the text that it is part of, else the default."""
    while key:
        if key in origins:
            return origins[key]
        key = key.rpartition(".")[0]
    return DEFAULT
