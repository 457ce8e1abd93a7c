"""What the kernel offers to sourcing and to bulk and job plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from eventlite.contracts.storage import Storage, Transaction
from eventlite.contracts.writing import CommitRequest
from eventlite.errors import EventLiteError
from eventlite.event import Event, NewEvent, Row
from eventlite.query import Condition


class Host(Protocol):
    """The part of the kernel that sourcing, and bulk and job plugins, work with."""

    @property
    def storage(self) -> Storage:
        """The store, for reading."""

    @property
    def clock(self) -> Callable[[], int]:
        """Tells the time, in microseconds since the epoch; ask for it at every use, since a test may set another."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A unit of work of the store whose appends are announced to followers and hooks when it is done."""

    def append_many(self, events: Iterable[NewEvent], condition: Condition | None = None) -> list[Event]:
        """Append a batch; raises `ConflictError` when the condition does not hold."""

    def events(self, rows: Iterable[Row]) -> list[Event]:
        """Stored rows as events, just as every read of the kernel returns them."""

    def prepare(self, events: list[NewEvent], condition: Condition | None = None) -> CommitRequest:
        """A batch as `Transaction.append` takes it: after the plugins' hooks, checked and encoded."""

    def inside_appends(self, handler: Callable[[Transaction, Sequence[Row]], None]) -> None:
        """From now on call `handler(transaction, rows)` in the transaction of every append, with its new rows in order.

        What it raises refuses the append, as a `HandlerError`. It must not append. Raises `StorageError` where the
        storage is not `transactional`.
        """

    def refusing_appends(self, told: Callable[[], EventLiteError]) -> AbstractContextManager[None]:
        """Within the block, appends and transactions of this thread raise what `told` returns."""
