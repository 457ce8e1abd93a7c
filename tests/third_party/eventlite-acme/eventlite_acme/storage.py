"""Events in a journal: a file that only grows, held in memory while it is open."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from eventlite import hookimpl
from eventlite.contracts import CommitRequest, Index, Outcome, Statistics, StorageCapabilities
from eventlite.errors import EventLiteError, StorageError, StoreClosedError, StoreNotFoundError
from eventlite.event import Row
from eventlite.query import Query
from eventlite.statistics import summarise
from eventlite_acme.journal import Journal
from eventlite_acme.records import Kepts, apply
from eventlite_acme.rows import Reader, Snapshot, Transaction

CONTRACT = 1


class Settings(BaseModel):
    """`[storage] plugin = "acme"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(default=Path("acme.journal"), description="The file.")
    sync: bool = Field(default=True, description="Whether an append waits until the disk has it.")
    create: bool = Field(default=True, description="Whether a file that does not exist is made.")


class AcmeStorage(Reader):
    """One writer at a time; readers wait for nobody."""

    def __init__(self, path: Path, sync: bool) -> None:
        super().__init__([], 0)
        self.capabilities = StorageCapabilities(
            "A crash of the process; of the machine too where `sync` is on.", indexes=False
        )
        self._kept: Kepts = {}
        self._keys: dict[str, Row] = {}
        self._writer = threading.Lock()
        self._writing_thread = 0
        self._changed = threading.Condition()
        self._open = True
        self._process = os.getpid()
        self._journal = Journal(path, sync)
        for entry in self._journal.replay():
            self._load(*entry)

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        with self.transaction() as transaction:
            return [_outcome(transaction, request) for request in requests]

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        if self._writing_thread == threading.get_ident():
            raise StorageError("this thread is in a transaction already")
        with self._writer:
            start, self._writing_thread = self._visible(), threading.get_ident()
            transaction = Transaction(self._rows, start, self._kept, self._keys)
            try:
                yield transaction
                entry = transaction.entry(start)
                if any(entry):
                    self._journal.write(entry)
            except BaseException:
                del self._rows[start:]
                raise
            finally:
                self._writing_thread = 0
            self._publish(start, transaction.state.kept)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with self._changed:
            snapshot = Snapshot(self._rows, self._visible(), self._kept)
        yield snapshot

    def bulk_load(self, expected: int | None) -> nullcontext[None]:
        return nullcontext()

    def wait(self, after: int, timeout: float) -> int:
        with self._changed:
            self._changed.wait_for(lambda: not self._open or self.head() > after, timeout)
            return self.head()

    def close(self) -> None:
        with self._writer, self._changed:
            self._open = False
            self._journal.close()
            self._changed.notify_all()

    def indexes(self) -> list[Index]:
        return []

    def create_index(self, index: Index) -> NoReturn:
        raise StorageError(f"a journal has no index {index.name!r}")

    def drop_index(self, name: str) -> NoReturn:
        raise StorageError(f"a journal has no index {name!r}")

    def explain(self, query: Query) -> list[str]:
        return ["reads every event between the positions"]

    def statistics(self) -> Statistics:
        return summarise(self)

    def facts(self) -> Mapping[str, Any]:
        return {"path": str(self._journal.path), "events": self._visible(), "bytes": self._journal.size()}

    def check(self) -> Iterator[str]:
        return iter(())

    def backup(self, target: Path) -> NoReturn:
        raise StorageError(f"a journal cannot be copied to {target} while it is open")

    def _visible(self) -> int:
        if not self._open:
            raise StoreClosedError(f"{self._journal.path} is closed")
        if self._process != os.getpid():
            raise StoreClosedError(f"{self._journal.path} was opened before this process was forked")
        return self._size

    def _load(self, rows: list[list[Any]], records: list[Any]) -> None:
        self._rows.extend(tuple(row) for row in rows)
        for namespace, name, kept in records:
            apply(self._kept, namespace, name, kept and tuple(kept))
        self._publish(self._size, self._kept)

    def _publish(self, start: int, kept: Kepts) -> None:
        with self._changed:
            self._keys.update({row[11]: row for row in self._rows[start:] if row[11] is not None})
            self._size, self._kept = len(self._rows), kept
            self._changed.notify_all()


def _outcome(transaction: Transaction, request: CommitRequest) -> Outcome:
    try:
        return transaction.append(request)
    except EventLiteError as refusal:
        return refusal


@hookimpl
def eventlite_make_storage(settings: Settings) -> AcmeStorage:
    """Open the journal."""
    if not (settings.create or settings.path.exists()):
        raise StoreNotFoundError(f"there is no journal {settings.path}")
    return AcmeStorage(settings.path, settings.sync)
