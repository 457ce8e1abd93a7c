"""The records beside the events: a dict, with the values as JSON text so that nobody shares them."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple, TypeAlias

from eventlite.contracts import Record, check_record_names
from eventlite.errors import ConflictError
from eventlite.jsontext import decode_object, encode_object


class Kept(NamedTuple):
    """A record as stored."""

    value: str
    version: int
    due: int | None


#: Records by namespace and name.
Records: TypeAlias = dict[tuple[str, str], Kept]


class MemoryStateReader:
    """Reads records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def get(self, namespace: str, name: str) -> Record | None:
        kept = self._records.get((namespace, name))
        return None if kept is None else Record(name, decode_object(kept.value), kept.version, kept.due)

    def due(self, namespace: str, until: int, *, limit: int = 1000) -> builtins.list[Record]:
        dues = {key: kept.due for key, kept in self._records.items() if key[0] == namespace and kept.due is not None}
        keys = sorted((key for key, due in dues.items() if due <= until), key=lambda key: (dues[key], key))
        return [record for key in keys[:limit] if (record := self.get(*key))]

    def list(self, namespace: str, *, after: str = "", limit: int = 1000) -> builtins.list[Record]:
        keys = sorted(key for key in self._records if key[0] == namespace and key[1] > after)
        return [record for key in keys[:limit] if (record := self.get(*key))]


class MemoryStateStore(MemoryStateReader):
    """Reads and writes records."""

    def put(
        self, namespace: str, name: str, value: dict[str, Any], *, expected: int | None = None, due: int | None = None
    ) -> int:
        check_record_names(namespace, name)
        version = self._version(namespace, name, expected) + 1
        self._records[namespace, name] = Kept(encode_object(value, "value"), version, due)
        return version

    def delete(self, namespace: str, name: str, *, expected: int | None = None) -> bool:
        self._version(namespace, name, expected)
        return self._records.pop((namespace, name), None) is not None

    def _version(self, namespace: str, name: str, expected: int | None) -> int:
        kept = self._records.get((namespace, name))
        version = 0 if kept is None else kept.version
        if expected not in (None, version):
            raise ConflictError(f"record {name!r} of {namespace!r} has version {version}, not {expected}")
        return version
