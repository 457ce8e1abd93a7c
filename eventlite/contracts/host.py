"""What the kernel offers to bulk and job plugins."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from eventlite.contracts.storage import Storage, Transaction
from eventlite.event import Event, NewEvent, Row


class Host(Protocol):
    """The part of the kernel that bulk and job plugins work with."""

    @property
    def storage(self) -> Storage:
        """The store, for reading."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A unit of work of the store whose appends are announced to followers and hooks when it is done."""

    def append_many(self, events: Iterable[NewEvent]) -> list[Event]:
        """Append a batch."""

    def events(self, rows: Iterable[Row]) -> list[Event]:
        """Stored rows as events, just as every read of the kernel returns them."""
