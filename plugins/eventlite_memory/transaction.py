"""A unit of work: new rows go to the end of the list, where no reader looks yet."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Committed
from eventlite.event import Row
from eventlite_memory.reading import MemoryReader
from eventlite_memory.state import MemoryStateStore, Records


class MemoryTransaction(MemoryReader):
    """Sees what was committed and what it added; `records` are copied when first touched."""

    connection: Any = None  # there is no SQL

    def __init__(self, rows: list[Row], size: int, records: Records, keys: dict[str, Row]) -> None:
        super().__init__(rows, size)
        self.records = records
        self._start = size
        self._keys = keys

    @cached_property
    def state(self) -> MemoryStateStore:
        self.records = dict(self.records)
        return MemoryStateStore(self.records)

    def by_key(self, key: str) -> Row | None:
        return self._keys.get(key)

    def append(self, request: CommitRequest) -> Committed:
        admitted = admit(request, self)
        if admitted.new:
            self._rows.extend(admitted.rows)
            self._size += len(admitted.rows)
            self._keys.update((row[11], row) for row in admitted.rows if row[11] is not None)
        return admitted

    def undo(self) -> None:
        for row in self._rows[self._start :]:
            self._keys.pop(row[11] or "", None)
        del self._rows[self._start :]
