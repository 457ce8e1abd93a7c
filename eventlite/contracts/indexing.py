"""The contract of indexing: which switchable indexes a store should have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol


class Index(NamedTuple):
    """A switchable index: over columns of a row, or over one path inside the payload."""

    name: str
    columns: tuple[str, ...] = ()
    path: tuple[str, ...] = ()


#: The eight indexes of the JavaScript library, by its names.
INDEXES: Mapping[str, Index] = {
    index.name: index
    for index in (
        Index("correlation_id", ("correlation_id",)),
        Index("causation_id", ("causation_id",)),
        Index("cmd", ("cmd",)),
        Index("datetime", ("datetime",)),
        Index("user", ("user",)),
        Index("version", ("version",)),
        Index("correlation_cmd", ("correlation_id", "cmd")),
        Index("user_datetime", ("user", "datetime")),
    )
}


class Indexing(Protocol):
    """The policy: which switchable indexes a store should have."""

    def declared(self) -> list[Index]:
        """The indexes that the profile asks for."""

    def active(self) -> list[str]:
        """The names of the indexes that the store has."""

    def difference(self) -> tuple[list[str], list[str]]:
        """The names that are declared but missing, and those that exist but are not declared."""

    def apply(
        self,
        names: Sequence[str] | None = None,
        *,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> list[str]:
        """Make the set exact, `names` or else the declared ones; returns the names that exist afterwards.

        `progress(what, done, total)` is called around each step. Raises `InvalidQueryError` for an unknown name.
        """
