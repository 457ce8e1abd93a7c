"""Drafts with consecutive ids, made rows only when somebody looks: a bulk append asks for the first and last id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from eventlite.event import Draft, Row


class NumberedRows(Sequence[Row]):
    """The rows of drafts that were numbered from `first` on."""

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
