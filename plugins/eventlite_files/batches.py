"""The records of a file as batches of drafts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from eventlite.contracts import Entry, Rejected
from eventlite.errors import BulkError, InvalidEventError
from eventlite.event import Draft
from eventlite_files.fields import Drafter, identity
from eventlite_files.mapping import Fields

# Characters of payload at which a batch is full, so that large events do not fill the memory.
_MOST = 32 * 2**20


class Record(NamedTuple):
    """One record: its line, its id in the file (or else its number) and its draft."""

    line: int
    id: int
    draft: Draft


class Refusal(Protocol):
    """What becomes of a record that cannot be imported: it is noted, or the import ends."""

    def __call__(self, line: int, error: InvalidEventError, record: Any) -> None: ...


@dataclass(slots=True)
class Batch:
    """Records that are committed together; `first` is the number of the first of them, from 1."""

    path: Path
    first: int
    lines: list[int] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    #: The indexes of those that have a cause.
    caused: list[int] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    characters: int = 0
    #: Whether nothing comes after it.
    last: bool = False

    def add(self, record: Record) -> None:
        """Take in one more."""
        line, id, draft = record
        if draft[7] is not None:
            self.caused.append(len(self.drafts))
        if draft[10] is not None:
            self.keys.append(draft[10])
        self.lines.append(line)
        self.ids.append(id)
        self.drafts.append(draft)
        self.characters += len(draft[5]) + len(draft[8])

    def where(self, index: int) -> str:
        """The file and line of a record."""
        return f"{self.path}, line {self.lines[index]}"


class Records:
    """Drafts what a format reads; ids must grow, and either all records have one or none."""

    def __init__(self, shape: Callable[[Fields], Fields], drafter: Drafter, refuse: Refusal) -> None:
        self._shape = shape
        self._drafter = drafter
        self._refuse = refuse
        self._count = 0
        self._last = 0
        #: Whether the file has ids; None before its first record.
        self.numbered: bool | None = None

    def of(self, entries: Iterable[Entry | Rejected]) -> Iterator[Record]:
        """The records that can be imported."""
        for entry in entries:
            if type(entry) is Rejected:
                self._refuse(entry.line, InvalidEventError(entry.reason), entry.raw)
                continue
            line, values = entry[:2]
            try:
                record = self._record(line, values)
            except InvalidEventError as error:
                self._refuse(line, error, values)
                continue
            self._count += 1
            self._last = record.id
            yield record

    def _record(self, line: int, values: Any) -> Record:
        fields = self._shape(values)
        id = identity(fields)
        draft = self._drafter.draft(fields, self._count + 1)
        if self.numbered is None:
            self.numbered = id is not None
        if (id is not None) is not self.numbered:
            raise InvalidEventError("some records have an id and some have none")
        if id is None:
            return Record(line, self._count + 1, draft)
        if id <= self._last:
            raise InvalidEventError(f"id {id} cannot follow {self._last}", hint="Ids must grow from line to line.")
        return Record(line, id, draft)


def batched(records: Iterable[Record], path: Path, size: int, *, border: int) -> Iterator[Batch]:
    """Batches of at most `size` records, one of which ends with record number `border`; the last one may be empty.

    When a record ends the import, those before it are still a batch.
    """
    batch, count = Batch(path, 1), 0
    try:
        for record in records:
            if count and (len(batch.drafts) >= size or count == border or batch.characters > _MOST):
                yield batch
                batch = Batch(path, count + 1)
            batch.add(record)
            count += 1
    except BulkError:
        if batch.drafts:
            yield batch
        raise
    batch.last = True
    yield batch
