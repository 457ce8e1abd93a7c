"""All projections of a store, their code known or not: looking after them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventlite.sourcing.consumer import all_consumers
from eventlite.sourcing.projections.book import change, consumer_name, known
from eventlite.sourcing.projections.status import ProjectionStatus, status

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Snapshot, Transaction
    from eventlite.sourcing.consumer import Consumer


class StoredProjections:
    """Shows, pauses and resumes the projections of a store, whoever keeps them up to date.

    A change reaches whoever follows, in any process. All methods that take a name raise `ProjectionError` for one that
    there is not.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    def list(self) -> list[ProjectionStatus]:
        """All of them, by name."""
        with self._host.storage.snapshot() as snapshot:
            return [self._status(snapshot, each) for each in all_consumers(snapshot.state, consumer_name(""))]

    def get(self, name: str) -> ProjectionStatus:
        """The one of that name."""
        with self._host.storage.snapshot() as snapshot:
            return self._status(snapshot, known(snapshot.state, name))

    def pause(self, name: str) -> ProjectionStatus:
        """Stop following, and its reactions, in every process. An inline projection goes on: an append needs it."""
        return self._change(name, paused=True)

    def resume(self, name: str) -> ProjectionStatus:
        """Let it and its reactions go on, with the event that stopped it; the error is forgotten."""
        return self._change(name, paused=False, error=None, error_position=None)

    def _change(self, name: str, **changes: Any) -> ProjectionStatus:
        with self._host.transaction() as transaction:
            known(transaction.state, name)
            change(transaction.state, name, **changes)
            return self._status(transaction, known(transaction.state, name))

    def _status(self, view: Snapshot | Transaction, found: Consumer) -> ProjectionStatus:
        return status(view.state, found, view.head(), self._host.clock())
