"""Comparing a rebuilt state with the live one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from eventlite.sourcing.projections.model import Difference, Model, View

#: Differences that a report shows.
SHOWN = 10

_BYTES = 16


class Digest(NamedTuple):
    """How many rows there are, and a digest of them that does not depend on their order, in hexadecimal."""

    rows: int
    hex: str


@dataclass(frozen=True, slots=True)
class ProjectionReport:
    """What a rebuild or verification of a projection found."""

    name: str
    #: Events replayed.
    events: int
    #: The position at which the two states were compared.
    position: int
    live: Digest
    rebuilt: Digest
    #: How many rows differ, and the first of them.
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    #: Whether the rebuilt state took the place of the live one.
    swapped: bool = False

    @property
    def equal(self) -> bool:
        """Whether the rebuilt state was what the live one was."""
        return self.differing == 0


class Comparison(NamedTuple):
    """What two places hold, how many rows differ, and the first of them."""

    live: Digest
    rebuilt: Digest
    differing: int
    differences: list[Difference]


def compare(model: Model, view: View, live: str, rebuilt: str) -> Comparison:
    """Compare the live place with the rebuilt one; looks for differences only when the digests differ."""
    here, there = digest(model.rows(view, live)), digest(model.rows(view, rebuilt))
    if here == there:
        return Comparison(here, there, 0, [])
    count, first = model.differences(view, live, rebuilt, SHOWN)
    return Comparison(here, there, max(1, count), first)  # 1 and 1.0 are equal for the database


def digest(rows: Iterable[bytes]) -> Digest:
    """The sum of the digests of all rows: equal for equal rows in any order."""
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(blake2b(row, digest_size=_BYTES).digest())
    return Digest(count, f"{total % 2 ** (8 * _BYTES):0{2 * _BYTES}x}")
