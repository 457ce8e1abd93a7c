"""Small versioned records over one connection: the `state` of transactions and snapshots."""

from __future__ import annotations

import sqlite3
from typing import Any

from eventlite.contracts import Record, check_record_names
from eventlite.errors import ConflictError
from eventlite.jsontext import decode_object, encode_object

_COLUMNS = "name, value, version, due"
_GET = f"SELECT {_COLUMNS} FROM state WHERE namespace = ? AND name = ?"
_LIST = f"SELECT {_COLUMNS} FROM state WHERE namespace = ? AND name > ? ORDER BY name LIMIT ?"
_DUE = f"SELECT {_COLUMNS} FROM state WHERE namespace = ? AND due <= ? ORDER BY due, name LIMIT ?"
_PUT = "INSERT OR REPLACE INTO state (namespace, name, value, version, due) VALUES (?, ?, ?, ?, ?)"
_DELETE = "DELETE FROM state WHERE namespace = ? AND name = ?"


class Records:
    """`StateStore` over one SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def get(self, namespace: str, name: str) -> Record | None:
        """The record of that name, or None."""
        check_record_names(namespace, name)
        row = self._connection.execute(_GET, (namespace, name)).fetchone()
        return None if row is None else _record(row)

    def due(self, namespace: str, until: int, *, limit: int = 1000) -> list[Record]:
        """Records due by then, earliest first."""
        check_record_names(namespace)
        return [_record(row) for row in self._connection.execute(_DUE, (namespace, until, limit))]

    def list(self, namespace: str, *, after: str = "", limit: int = 1000) -> list[Record]:
        """Records in the order of their names."""
        check_record_names(namespace, after)
        return [_record(row) for row in self._connection.execute(_LIST, (namespace, after, limit))]

    def put(
        self, namespace: str, name: str, value: dict[str, Any], *, expected: int | None = None, due: int | None = None
    ) -> int:
        """Store the record and return its new version."""
        version = self._present(namespace, name, expected) + 1
        self._connection.execute(_PUT, (namespace, name, encode_object(value, name), version, due))
        return version

    def delete(self, namespace: str, name: str, *, expected: int | None = None) -> bool:
        """Remove the record; whether there was one."""
        self._present(namespace, name, expected)
        return self._connection.execute(_DELETE, (namespace, name)).rowcount > 0

    def _present(self, namespace: str, name: str, expected: int | None) -> int:
        record = self.get(namespace, name)
        version = 0 if record is None else record.version
        if expected is not None and version != expected:
            raise ConflictError(f"record {name!r} of {namespace!r} has version {version}, not {expected}")
        return version


def _record(row: tuple[str, str, int, int | None]) -> Record:
    return Record(row[0], decode_object(row[1]), row[2], row[3])
