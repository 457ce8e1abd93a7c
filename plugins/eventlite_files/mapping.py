"""Which column or key of a file holds which field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from eventlite.errors import BulkError, InvalidEventError, suggestion
from eventlite.event import COLUMNS
from eventlite_files.strictjson import parse

#: The names of the twelve fields.
FIELDS = COLUMNS[:12]

Fields: TypeAlias = dict[str, Any]

_KNOWN = frozenset(FIELDS)


def shaper(mapping: Mapping[str, str]) -> Callable[[Fields], Fields]:
    """What makes a record's values by column into values by field; raises `BulkError` for an unknown field."""
    for field in mapping:
        if field not in _KNOWN:
            raise BulkError(f"there is no field {field!r} to map a column to", hint=suggestion(field, FIELDS))
    return Mapped(mapping) if mapping else as_named


def as_named(values: Fields) -> Fields:
    """The values as they are; raises `InvalidEventError` for a name that is no field."""
    if values.keys() <= _KNOWN:
        return values
    name = next(name for name in values if name not in _KNOWN)
    raise InvalidEventError(
        f"unknown field {name!r}",
        hint=f"{suggestion(name, FIELDS)} With --map FIELD=COLUMN (mapping={{field: column}}) "
        "every other column becomes data.",
    )


class Mapped:
    """Takes the mapped columns as fields, and all others as entries of `data`."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = dict(mapping)
        self._taken = frozenset(mapping.values())
        self._missing = set(self._taken)

    def __call__(self, values: Fields) -> Fields:
        if self._missing:
            self._missing -= values.keys()
            self._find_command(values)
        fields = {field: values.get(column) for field, column in self._mapping.items()}
        others = {name: value for name, value in values.items() if name not in self._taken}
        data = fields.get("data")
        fields["data"] = others if data is None or data == "" else _merged(data, others)
        return fields

    def refuse_missing(self) -> None:
        """Raise `BulkError` for a mapped column that no record has had so far."""
        if self._missing:
            raise BulkError(
                f"no record has the column {min(self._missing)!r} that a field is mapped to",
                hint="Names of columns are taken exactly as they stand in the file.",
            )

    def _find_command(self, values: Fields) -> None:
        column = self._mapping.get("cmd")
        if column is not None and column not in values:
            raise InvalidEventError(f"there is no column {column!r}", hint=suggestion(column, values))


def _merged(data: object, others: Fields) -> Fields:
    """The mapped payload together with the columns that are not mapped."""
    payload = parse(data.encode()) if isinstance(data, str) else data
    if type(payload) is not dict:
        raise InvalidEventError("data must be a JSON object")
    twice = payload.keys() & others.keys()
    if twice:
        raise InvalidEventError(f"{min(twice)!r} is both in the mapped data and a column of its own")
    return {**payload, **others}
