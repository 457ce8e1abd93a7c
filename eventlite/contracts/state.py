"""Small versioned records that sourcing and jobs keep beside the events."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from eventlite.errors import InvalidEventError, shown
from eventlite.jsontext import is_unicode


class Record(NamedTuple):
    """A small versioned record; `due` is a time in microseconds since the epoch, or None."""

    name: str
    value: dict[str, Any]
    version: int
    due: int | None


def check_record_names(*names: object) -> None:
    """Raise `InvalidEventError` unless a record's namespace and name are texts that can be stored."""
    for name in names:
        if not isinstance(name, str) or not is_unicode(name):
            raise InvalidEventError(f"a record's namespace and name must be Unicode texts, not {shown(name)}")


class StateReader(Protocol):
    """Reads the records that sourcing and jobs keep beside the events."""

    def get(self, namespace: str, name: str) -> Record | None:
        """The record of that name, or None."""

    def due(self, namespace: str, until: int, *, limit: int = 1000) -> list[Record]:
        """Records with `due` at or before `until` (microseconds since the epoch), earliest first."""

    def list(self, namespace: str, *, after: str = "", limit: int = 1000) -> list[Record]:
        """Records whose names come after `after`, in the order of their names (by code point)."""


class StateStore(StateReader, Protocol):
    """Reads and writes records inside a transaction."""

    def put(
        self,
        namespace: str,
        name: str,
        value: dict[str, Any],
        *,
        expected: int | None = None,
        due: int | None = None,
    ) -> int:
        """Store the record and return its new version: 1 for a new one, else one more than before.

        With `expected`, raise `ConflictError` unless that is the present version; 0 expects no record. Raises
        `InvalidEventError` for a name or value that cannot be stored.
        """

    def delete(self, namespace: str, name: str, *, expected: int | None = None) -> bool:
        """Remove the record; whether there was one. With `expected`, as in `put`."""
