"""Snapshots of projections, so that going back in time, or filling an object, need not begin at the first event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from eventlite.errors import StorageError
from eventlite.sourcing.projections.book import standing
from eventlite.sourcing.projections.records import batches, key_of
from eventlite.sourcing.snapshots import Kept, Snapshots, Subject, keep, newest, taken_at

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateReader
    from eventlite.sourcing.consumer import Consumer
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.model import Model, View

#: Keys of a state that are kept in one record.
_PART = 100


def subject_name(name: str) -> str:
    """What the snapshots of a projection are kept under."""
    return f"projection:{name}"


def snapshots_of(projection: Projection) -> Subject[Any] | None:
    """The snapshots of a projection that fills an object; None if it has none."""
    policy = projection.snapshots
    return None if policy is None else Subject(policy, subject_name(projection.name))


def newest_records(host: Host, projection: Projection, at: int) -> Kept | None:
    """The newest snapshot of a projection at or before a position, or None."""
    if projection.snapshots is None:
        return None
    with host.storage.snapshot() as view:
        return newest(view.state, subject_name(projection.name), projection.snapshots.version, at)


class SnapshotFollower:
    """Takes a snapshot of a projection's records whenever enough events have come since the last one."""

    def __init__(self, host: Host, projection: Projection, model: Model, policy: Snapshots[Any]) -> None:
        self._host = host
        self._name = projection.name
        self._subject = subject_name(projection.name)
        self._model = model
        self._policy = policy

    def catch_up(self) -> int:
        """Take one if it is time; that is nothing that anybody waits for."""
        with self._host.storage.snapshot() as view:  # state and position of one moment
            live = standing(view.state, self._name)
            if not self._due(view.state, live):
                return 0
            parts = list(self._parts(view, live))
        with suppress(StorageError):  # a store that is busy, full or read-only can be followed all the same
            self._keep(live, parts)
        return 0

    def _keep(self, live: Consumer, parts: list[Any]) -> None:
        with self._host.transaction() as transaction:
            state = transaction.state
            if standing(state, self._name).generation == live.generation and self._due(state, live):
                keep(state, self._subject, self._policy.version, Kept(parts, live.position), self._policy.keep)

    def _due(self, state: StateReader, live: Consumer) -> bool:
        last = max(taken_at(state, self._subject, self._policy.version), default=0)
        return live.position - last >= self._policy.every

    def _parts(self, view: View, live: Consumer) -> Iterator[dict[str, Any]]:
        for records in batches(view.state, self._model.live(live.generation)):
            for first in range(0, len(records), _PART):
                yield {key_of(record): record.value[""] for record in records[first : first + _PART]}
