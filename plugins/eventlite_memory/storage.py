"""A storage in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from eventlite.contracts import CommitRequest, Index, Outcome, Statistics, StorageCapabilities
from eventlite.errors import ConflictError, InvalidEventError, InvalidQueryError, StorageError, StoreClosedError
from eventlite.event import Row
from eventlite.query import Query
from eventlite.statistics import summarise
from eventlite_memory.reading import MemoryReader
from eventlite_memory.state import MemoryStateReader, Records
from eventlite_memory.transaction import MemoryTransaction


class MemorySnapshot(MemoryReader):
    """What had been committed at one moment."""

    connection: Any = None  # there is no SQL

    def __init__(self, rows: list[Row], size: int, records: Records) -> None:
        super().__init__(rows, size)
        self.state = MemoryStateReader(records)


class MemoryStorage(MemoryReader):
    """One writer at a time; readers wait for nobody, since what is committed never changes."""

    capabilities = StorageCapabilities("Nothing: the events end with the process.", persistent=False, indexes=False)

    def __init__(self) -> None:
        super().__init__([], 0)
        self._records: Records = {}
        self._keys: dict[str, Row] = {}
        self._writer = threading.RLock()
        self._writing = False
        self._committed = threading.Condition()  # guards what readers start from: the size and the records
        self._closed = False
        self._process = os.getpid()

    def _seen(self) -> int:
        if self._closed or self._process != os.getpid():
            raise StoreClosedError("the store is closed" if self._closed else "the store belongs to another process")
        return self._size

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        with self.transaction() as transaction:
            return [_outcome(transaction, request) for request in requests]

    @contextmanager
    def transaction(self) -> Iterator[MemoryTransaction]:
        with self._writer:
            if self._writing:
                raise StorageError("this thread writes already", hint="Use the transaction that it is in.")
            transaction = MemoryTransaction(self._rows, self._seen(), self._records, self._keys)
            self._writing = True
            try:
                yield transaction
            except BaseException:
                transaction.undo()
                raise
            else:
                self._publish(transaction)
            finally:
                self._writing = False

    def _publish(self, transaction: MemoryTransaction) -> None:
        with self._committed:
            self._size, self._records = len(self._rows), transaction.records
            self._committed.notify_all()

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        with self._committed:
            snapshot = MemorySnapshot(self._rows, self._seen(), self._records)
        yield snapshot

    @contextmanager
    def bulk_load(self, expected: int | None) -> Iterator[None]:  # noqa: ARG002 - there is nothing to prepare
        yield

    def wait(self, after: int, timeout: float) -> int:
        with self._committed:
            self._committed.wait_for(lambda: self._closed or self.head() > after, timeout)
            return self.head()

    def close(self) -> None:
        with self._committed:
            self._closed = True
            self._committed.notify_all()

    def indexes(self) -> list[Index]:
        return []

    def create_index(self, index: Index) -> NoReturn:
        raise StorageError(f"a store in memory has no index {index.name!r}")

    def drop_index(self, name: str) -> NoReturn:
        raise StorageError(f"a store in memory has no index {name!r}")

    def explain(self, query: Query) -> list[str]:  # noqa: ARG002 - all queries are alike
        return ["looks at every event between the positions"]

    def statistics(self) -> Statistics:
        return summarise(self)

    def facts(self) -> Mapping[str, Any]:
        return {"events": self._seen(), "records": len(self._records)}

    def check(self) -> Iterator[str]:
        return iter(())

    def backup(self, target: Path) -> NoReturn:
        raise StorageError(f"a store in memory cannot be copied to {target}")


def _outcome(transaction: MemoryTransaction, request: CommitRequest) -> Outcome:
    try:
        return transaction.append(request)
    except (ConflictError, InvalidEventError, InvalidQueryError) as refusal:
        return refusal
