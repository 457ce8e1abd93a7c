"""The records beside the events: JSON text by namespace and name."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any, TypeAlias

from eventlite.contracts import Record, check_record_names
from eventlite.errors import ConflictError
from eventlite.jsontext import decode_object, encode_object

#: A value as JSON text, its version and when it is due.
Kept: TypeAlias = tuple[str, int, int | None]
Kepts: TypeAlias = dict[tuple[str, str], Kept]


class Records:
    """Reads and writes a dict of records, and remembers what it changed."""

    def __init__(self, kept: Kepts) -> None:
        self.kept = kept
        self.changes: Kepts | dict[tuple[str, str], None] = {}

    def get(self, namespace: str, name: str) -> Record | None:
        kept = self.kept.get((namespace, name))
        return None if kept is None else Record(name, decode_object(kept[0]), kept[1], kept[2])

    def due(self, namespace: str, until: int, *, limit: int = 1000) -> builtins.list[Record]:
        found = self._select(namespace, lambda record: record.due is not None and record.due <= until)
        return sorted(found, key=lambda record: (record.due, record.name))[:limit]

    def list(self, namespace: str, *, after: str = "", limit: int = 1000) -> builtins.list[Record]:
        found = self._select(namespace, lambda record: record.name > after)
        return sorted(found, key=lambda record: record.name)[:limit]

    def put(
        self, namespace: str, name: str, value: dict[str, Any], *, expected: int | None = None, due: int | None = None
    ) -> int:
        check_record_names(namespace, name)
        version = self._version(namespace, name, expected) + 1
        self._change(namespace, name, (encode_object(value, "value"), version, due))
        return version

    def delete(self, namespace: str, name: str, *, expected: int | None = None) -> bool:
        existed = self._version(namespace, name, expected) > 0
        self._change(namespace, name, None)
        return existed

    def _select(self, namespace: str, wanted: Callable[[Record], bool]) -> builtins.list[Record]:
        records = [self.get(*key) for key in self.kept if key[0] == namespace]
        return [record for record in records if record is not None and wanted(record)]

    def _version(self, namespace: str, name: str, expected: int | None) -> int:
        kept = self.kept.get((namespace, name))
        version = 0 if kept is None else kept[1]
        if expected not in (None, version):
            raise ConflictError(f"record {name!r} of {namespace!r} has version {version}, not {expected}")
        return version

    def _change(self, namespace: str, name: str, kept: Kept | None) -> None:
        self.changes[namespace, name] = kept  # type: ignore[assignment]
        apply(self.kept, namespace, name, kept)


def apply(kepts: Kepts, namespace: str, name: str, kept: Kept | None) -> None:
    """Store a record, or remove it when it is None."""
    if kept is None:
        kepts.pop((namespace, name), None)
    else:
        kepts[namespace, name] = kept
