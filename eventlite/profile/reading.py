"""One profile file: read, parsed, and checked as far as that goes without plugins."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from eventlite.errors import ProfileError
from eventlite.profile.merging import planted
from eventlite.profile.model import INHERITED, Origin, Tree
from eventlite.profile.problems import Problem, refusal
from eventlite.profile.shapes import section_problem, setting_problem
from eventlite.profile.validating import examined, header_section

#: Bytes that a profile may have (64 KiB), so that a wrong file or a device is not read for ever.
MAX_BYTES = 2**16

_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_END = " (at end of document)"


class Document(NamedTuple):
    """One file, before it inherits anything; `tree` holds its sections and what can be inherited of `[profile]`."""

    path: Path
    name: str
    description: str
    extends: str | None
    tree: Tree


def read_document(path: Path) -> Document:
    """Read and check one file. Raises `ProfileError` with file, line and column, or with file and dotted key."""
    return checked_document(path, _parsed(path, _text(path)))


def checked_document(path: Path, content: Mapping[str, Any]) -> Document:
    """Check what was parsed from a file, or is going to be written to it."""
    origin = Origin("file", str(path))
    tables = {key: value for key, value in content.items() if isinstance(value, Mapping)}
    own = tables.pop("profile", {})
    section = header_section(lambda _key: origin)
    header = examined(section, own)
    problems = [*_misshapen(content, origin), *section.problems]
    if header is None or problems:
        raise refusal(problems)
    inherited = {key: value for key, value in own.items() if key in INHERITED}
    tree: Tree = {name: planted(table, origin) for name, table in {**tables, "profile": inherited}.items()}
    return Document(path, header.name or path.stem, header.description, header.extends, tree)


def _misshapen(content: Mapping[str, Any], origin: Origin) -> list[Problem]:
    """The problems of everything at the top of a file that is not a section, or names its plugin wrongly."""
    return [problem for key, value in content.items() for problem in _wrong_with(key, value, origin)]


def _wrong_with(name: str, section: object, origin: Origin) -> list[Problem]:
    misnamed = _stray(name, section, origin) or section_problem(name, origin)
    if misnamed:
        return [misnamed]
    if not isinstance(section, Mapping):
        return [Problem(origin, name, "should be a table", f"Write [{name}] on a line of its own, and settings below.")]
    found = (setting_problem(name, key, value, origin) for key, value in section.items())
    return [problem for problem in found if problem]


def _stray(name: str, value: object, origin: Origin) -> Problem | None:
    """The problem of a part of `[profile]` that stands above it."""
    from eventlite.profile.header import Header

    if name not in Header.model_fields or isinstance(value, Mapping):
        return None
    return Problem(origin, name, "stands outside of every section", f"Write it below [profile]: `profile.{name}`.")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProfileError(f"{path}: the profile cannot be read: {reason}") from None
    if len(content) > MAX_BYTES:
        raise ProfileError(f"{path}: a profile has at most {MAX_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(errors="replace")
        raise _bad_toml(path, _end_of(before), "not UTF-8 text") from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _PLACE.search(message)
        line, column = (int(place[1]), int(place[2])) if place else _end_of(text)
        raise _bad_toml(path, (line, column), _PLACE.sub("", message).removesuffix(_END)) from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, a year 0, brackets without end
        raise ProfileError(f"{path}: not a profile: {error}") from None


def _end_of(text: str) -> tuple[int, int]:
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _bad_toml(path: Path, place: tuple[int, int], reason: str) -> ProfileError:
    return ProfileError(f"{path}, line {place[0]}, column {place[1]}: not TOML: {reason}")
