"""Which id an event of a file has got in the store."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class Run(NamedTuple):
    """`length` ids that follow one another, in the file from `old` on, in the store from `new` on.

    Those of a `known` run were in the store already.
    """

    old: int
    new: int
    length: int
    known: bool


class Identities:
    """Runs in the order of the file: one where its ids have no gaps, 25 bytes for each gap otherwise."""

    def __init__(self) -> None:
        self._old = array("q")
        self._new = array("q")
        self._length = array("q")
        self._known = array("b")

    def add(self, old: int, new: int, known: bool) -> None:
        """Note one id; `old` is larger than all before."""
        if self._old and (old, new, known) == self._next():
            self._length[-1] += 1
        else:
            self.extend([Run(old, new, 1, known)])

    def extend(self, runs: Iterable[Run]) -> None:
        """Note more runs, behind all others."""
        for run in runs:
            self._old.append(run.old)
            self._new.append(run.new)
            self._length.append(run.length)
            self._known.append(run.known)

    def find(self, old: int) -> tuple[int, bool] | None:
        """The id in the store and whether it was there already; None if the file has had no such id."""
        at = bisect_right(self._old, old) - 1
        if at < 0 or old - self._old[at] >= self._length[at]:
            return None
        return self._new[at] + old - self._old[at], bool(self._known[at])

    def __len__(self) -> int:
        return len(self._old)

    def since(self, first: int) -> list[Run]:
        """The runs from the one with that index on."""
        columns = (self._old, self._new, self._length, self._known)
        return [
            Run(old, new, length, bool(known))
            for old, new, length, known in zip(*(column[first:] for column in columns), strict=True)
        ]

    def _next(self) -> tuple[int, int, bool]:
        """What would make the last run longer."""
        length = self._length[-1]
        return self._old[-1] + length, self._new[-1] + length, bool(self._known[-1])
