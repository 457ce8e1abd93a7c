"""How events are handed to a storage, and what became of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias, overload

from eventlite.errors import EventLiteError
from eventlite.event import Draft, PlainDraft, Row, from_plain
from eventlite.query import Condition


class PlainDrafts(Sequence[Draft]):
    """Drafts that all are plain; a storage may take their `rows`, which saves it three values of each."""

    def __init__(self, rows: Sequence[PlainDraft]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Draft: ...
    @overload
    def __getitem__(self, index: slice) -> list[Draft]: ...
    def __getitem__(self, index: int | slice) -> Draft | list[Draft]:
        if isinstance(index, slice):
            return list(map(from_plain, self.rows[index]))
        return from_plain(self.rows[index])

    def __iter__(self) -> Iterator[Draft]:
        return map(from_plain, self.rows)


class NumberedRows(Sequence[Row]):
    """The rows of drafts that were numbered from `first` on, made only when somebody looks.

    A bulk append asks for the first and last id.
    """

    def __init__(self, first: int, drafts: Sequence[Draft]) -> None:
        self._first = first
        self._drafts = drafts

    def __len__(self) -> int:
        return len(self._drafts)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        return (self._first + range(len(self))[index], *self._drafts[index])

    def __iter__(self) -> Iterator[Row]:
        return ((id, *draft) for id, draft in enumerate(self._drafts, self._first))


@dataclass(slots=True)
class CommitRequest:
    """One batch that a storage accepts or refuses as a whole; `eventlite.admission.admit` decides which."""

    drafts: Sequence[Draft]
    #: The append holds only if no event matches.
    condition: Condition | None = None
    #: Explicit ids, in order and beyond the head (import only); None lets the storage number.
    ids: Sequence[int] | None = None
    #: Index of an event -> index of the earlier event of this batch that caused it.
    links: Mapping[int, int] = field(default_factory=dict)
    #: Whether any draft has a causation_id, or a correlation_id "" to be inherited from its cause.
    caused: bool = False
    #: Whether any draft has a key.
    keyed: bool = False
    #: With keys: the indexes of events whose correlation_id the caller gave.
    given_correlations: frozenset[int] = frozenset()
    #: Import only: keep a causation_id that no event has.
    keep_dangling: bool = False


class Committed(NamedTuple):
    """The rows of an accepted request, as stored; not `new` when its keys were known and nothing was written."""

    rows: Sequence[Row]
    new: bool


#: What became of one request: its rows, or why it was refused.
Outcome: TypeAlias = Committed | EventLiteError
