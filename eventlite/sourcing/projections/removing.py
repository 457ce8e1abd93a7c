"""Removing a projection from a store, its code known or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eventlite.errors import ConflictError
from eventlite.sourcing.consumer import Consumer, find, remove, store
from eventlite.sourcing.projections.book import NAMESPACE, description, known, reaction_name, rebuild_name
from eventlite.sourcing.projections.record_model import RecordModel
from eventlite.sourcing.projections.snapshotting import subject_name
from eventlite.sourcing.projections.table_model import TableModel
from eventlite.sourcing.projections.tables import drop
from eventlite.sourcing.snapshots import forget

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateReader
    from eventlite.contracts.storage import Transaction
    from eventlite.sourcing.projections.model import Model

#: Earlier generations whose leftovers are looked for.
LEFTOVERS = 10


def delete(host: Host, name: str) -> None:
    """Forget a projection with its state, its place and that of its reactions.

    It stands empty and paused at the beginning until all is gone, so that a delete that was killed can be done again.
    Raises `ProjectionError` if there is none, `ConflictError` while somebody works on it.
    """
    last = _empty(host, name)
    with host.storage.snapshot() as snapshot:
        model = _model(name, description(snapshot.state, name), host.storage.capabilities.sql)
    discard(host, model, last)
    with host.transaction() as transaction:
        _forget(host, transaction, name)


def discard(host: Host, model: Model | None, last: int, live: int | None = None) -> None:
    """Remove what generations up to the `last` left, but not the live one."""
    for number in range(max(0, last - LEFTOVERS), last + 1):
        if model is not None and number != live:
            model.discard(host, model.shadow(number))


def drop_tables(transaction: Transaction, described: dict[str, Any]) -> None:
    """Drop the live tables of a projection that was described so, if it was in tables."""
    if "tables" in described:
        drop(transaction.connection, described["tables"])


def discard_records(host: Host, name: str, described: dict[str, Any], generation: int) -> None:
    """Remove a generation of a projection that was described so, if it was in records."""
    if described.get("kind") == "records":
        records = RecordModel(name)
        records.discard(host, records.live(generation))


def _empty(host: Host, name: str) -> int:
    """Have it stand before the first event, in a generation of its own; the number of the last one before that."""
    with host.transaction() as transaction:
        live, others = _standing(transaction.state, name, host.clock())
        last = max(consumer.generation for consumer in (live, *others))
        store(transaction.state, replace(live, position=0, generation=last + 1, paused=True, owner="", until=0))
    return last


def _forget(host: Host, transaction: Transaction, name: str) -> None:
    live, others = _standing(transaction.state, name, host.clock())
    drop_tables(transaction, description(transaction.state, name))
    forget(transaction.state, subject_name(name))
    transaction.state.delete(NAMESPACE, name)
    for consumer in (live, *others):
        remove(transaction.state, consumer)


def _standing(state: StateReader, name: str, now: int) -> tuple[Consumer, list[Consumer]]:
    """Where it stands, and where its reactions and its last rebuild do."""
    live = known(state, name)
    others = [found for each in (reaction_name(name), rebuild_name(name)) if (found := find(state, each))]
    held = next((each for each in (live, *others) if each.held(now)), None)
    if held is not None:
        raise ConflictError(
            f"process {held.owner.partition('-')[0]} is at work on projection {name!r}",
            hint="End the programs that project or rebuild it first: they would begin it anew.",
        )
    return live, others


def _model(name: str, described: dict[str, Any], dialect: str | None) -> Model | None:
    """How the state is kept, as far as removing it goes."""
    if described.get("kind") == "tables":
        return TableModel(name, described["tables"], dialect)
    return RecordModel(name) if described.get("kind") == "records" else None
