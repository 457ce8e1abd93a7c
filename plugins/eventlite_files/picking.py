"""Which format a file has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from eventlite.contracts import Format
from eventlite.errors import BulkError, ProfileError, suggestion
from eventlite_files.compression import SUFFIXES
from eventlite_files.source import STANDARD


def offered(names: Sequence[str], formats: Sequence[Format]) -> dict[str, Format]:
    """The formats of these names; raises `ProfileError` for a name that no plugin has."""
    known = {format.name: format for format in formats}
    for name in names:
        if name not in known:
            raise ProfileError(f"bulk.formats: there is no file format {name!r}", hint=suggestion(name, known))
    return {name: known[name] for name in names}


def pick(name: str | None, path: Path, formats: Mapping[str, Format]) -> Format:
    """The format of that name, or else of the file's suffix; raises `BulkError`."""
    if name is not None:
        if name not in formats:
            raise BulkError(f"there is no file format {name!r}", hint=suggestion(name, formats))
        return formats[name]
    suffix = _suffix(path)
    for format in formats.values():
        if suffix in format.suffixes:
            return format
    known = "; ".join(f"{format.name} ({', '.join(format.suffixes)})" for format in formats.values())
    raise BulkError(f"the name of {path} does not tell its format", hint=f"Name it with --format: {known}.")


def _suffix(path: Path) -> str:
    """The suffix that is left without that of a compression."""
    if path == STANDARD:
        return ".jsonl"
    inner = path.with_suffix("") if path.suffix.lower() in SUFFIXES else path
    return inner.suffix.lower()
