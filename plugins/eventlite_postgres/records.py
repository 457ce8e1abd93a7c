"""Small versioned records over one connection: the `state` of transactions and snapshots."""

from __future__ import annotations

from typing import Any

import psycopg

from eventlite.contracts import Record, check_record_names
from eventlite.errors import ConflictError, InvalidEventError, shown
from eventlite.jsontext import decode_object, encode_object
from eventlite_postgres.texts import texts


class Records:
    """`StateStore` over one cursor, of the store in one schema."""

    def __init__(self, cursor: psycopg.Cursor[Any], schema: str) -> None:
        self._cursor = cursor
        self._texts = texts(schema)

    def get(self, namespace: str, name: str) -> Record | None:
        """The record of that name, or None."""
        _check(namespace, name)
        row = self._cursor.execute(self._texts.state_get, (namespace, name)).fetchone()
        return None if row is None else _record(row)

    def due(self, namespace: str, until: int, *, limit: int = 1000) -> list[Record]:
        """Records due by then, earliest first."""
        _check(namespace)
        return [_record(row) for row in self._cursor.execute(self._texts.state_due, (namespace, until, limit))]

    def list(self, namespace: str, *, after: str = "", limit: int = 1000) -> list[Record]:
        """Records in the order of their names."""
        _check(namespace, after)
        return [_record(row) for row in self._cursor.execute(self._texts.state_list, (namespace, after, limit))]

    def put(
        self, namespace: str, name: str, value: dict[str, Any], *, expected: int | None = None, due: int | None = None
    ) -> int:
        """Store the record and return its new version."""
        text = encode_object(value, name) if isinstance(name, str) else ""
        version = self._present(namespace, name, expected) + 1
        self._cursor.execute(self._texts.state_put, (namespace, name, text, version, due))
        return version

    def delete(self, namespace: str, name: str, *, expected: int | None = None) -> bool:
        """Remove the record; whether there was one."""
        self._present(namespace, name, expected)
        return self._cursor.execute(self._texts.state_delete, (namespace, name)).rowcount > 0

    def _present(self, namespace: str, name: str, expected: int | None) -> int:
        record = self.get(namespace, name)
        version = 0 if record is None else record.version
        if expected is not None and version != expected:
            raise ConflictError(f"record {name!r} of {namespace!r} has version {version}, not {expected}")
        return version


def _check(*names: str) -> None:
    check_record_names(*names)
    for name in names:
        if "\0" in name:
            raise InvalidEventError(f"PostgreSQL keeps no NUL, so a record cannot be called {shown(name)}")


def _record(row: tuple[str, str, int, int | None]) -> Record:
    return Record(row[0], decode_object(row[1]), row[2], row[3])
