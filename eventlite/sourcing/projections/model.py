"""What the ways of keeping a projection's state in the store have in common.

A place is where one generation of the state is: the live one, or one that is being built beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from eventlite.contracts.state import StateReader

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Transaction


class View(Protocol):
    """What a transaction and a snapshot have in common: state, as of one moment."""

    @property
    def state(self) -> StateReader:
        """The records."""

    @property
    def connection(self) -> Any:
        """The DB-API connection, where there is one."""


class Difference(NamedTuple):
    """A row of which the live and the rebuilt state differ; None where there is no such row."""

    where: str
    live: Any
    rebuilt: Any


class Model(Protocol):
    """One way of keeping state in the store."""

    def describe(self) -> dict[str, Any]:
        """What it is, as it is kept beside the state: state of another description cannot be gone on with."""

    def live(self, generation: int) -> str:
        """The place of the live state."""

    def shadow(self, generation: int) -> str:
        """The place of a state that is built beside it."""

    def create(self, transaction: Transaction, place: str) -> None:
        """Make what the state needs. Raises `ProjectionError`."""

    def change(self, transaction: Transaction, place: str) -> AbstractContextManager[Any]:
        """The state for the handlers of a batch, written at the end of the block."""

    def read(self, host: Host, place: Callable[[View], str]) -> Any:
        """The committed state; it asks for the place whenever it looks."""

    def rows(self, view: View, place: str) -> Iterator[bytes]:
        """Every row, encoded so that equal rows are equal bytes."""

    def differences(self, view: View, live: str, rebuilt: str, limit: int) -> tuple[int, list[Difference]]:
        """How many rows differ, and the first of them."""

    def settle(self, transaction: Transaction, generation: int) -> None:
        """Make a generation that was built beside the live one the live one, whose tables are gone already."""

    def discard(self, host: Host, place: str) -> None:
        """Remove what is at a place, if there is anything, in bounded transactions."""

    def past(self, host: Host) -> Past:
        """A state of its own, empty, to replay into."""


class Past(Protocol):
    """A state to replay into that nobody else sees."""

    def change(self) -> AbstractContextManager[Any]:
        """The state for the handlers of a batch."""

    def result(self) -> Any:
        """What the replay made."""

    def close(self) -> None:
        """Let go of it: the replay failed."""
