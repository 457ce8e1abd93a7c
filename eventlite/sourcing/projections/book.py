"""What is kept about each projection beside its state: how its state is kept, and where it stands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eventlite.contracts.state import StateReader, StateStore
from eventlite.errors import ProjectionError
from eventlite.jsontext import is_unicode
from eventlite.sourcing.consumer import Consumer, find, store
from eventlite.sourcing.projections.model import Model

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Transaction

#: Where descriptions are kept.
NAMESPACE = "projection"

#: The description of a state that is outside of the store.
OBJECT: dict[str, Any] = {"kind": "object"}


def consumer_name(name: str) -> str:
    """What the consumer is called that keeps a projection's position."""
    return f"projection:{name}"


def reaction_name(name: str) -> str:
    """What the consumer is called that keeps the position of its reactions."""
    return f"reaction:{name}"


def rebuild_name(name: str) -> str:
    """What the consumer is called that keeps the position of a rebuild."""
    return f"rebuild:{name}"


def standing(state: StateReader, name: str) -> Consumer:
    """Where a projection stands; at the beginning if it is new."""
    return find(state, consumer_name(name)) or Consumer(consumer_name(name))


def known(state: StateReader, name: str) -> Consumer:
    """Where a projection stands; raises `ProjectionError` if the store has none of that name."""
    found = find(state, consumer_name(name)) if isinstance(name, str) and is_unicode(name) else None
    if found is None:
        raise ProjectionError(
            f"there is no projection {name!r}", hint="It is there once it was projected: `eventlite projections list`."
        )
    return found


def change(state: StateStore, name: str, **changes: Any) -> None:
    """Change where a projection stands, and where its reactions do if it has any: they stop and go together."""
    store(state, replace(standing(state, name), **changes))
    reactions = find(state, reaction_name(name))
    if reactions is not None:
        store(state, replace(reactions, **changes))


def description(state: StateReader, name: str) -> dict[str, Any]:
    """How its state is kept, `{}` if it is new; and the mode it was last projected in, as "mode"."""
    record = state.get(NAMESPACE, name)
    return {} if record is None else record.value


def describe(state: StateStore, name: str, described: dict[str, Any], mode: str) -> None:
    """Keep how its state is kept."""
    value = {**described, "mode": mode}
    if description(state, name) != value:
        state.put(NAMESPACE, name, value)


def enrol(host: Host, name: str, model: Model | None, mode: str) -> None:
    """Make what a new projection needs; let one that an error stopped try again, since its code may be mended.

    Raises `ProjectionError` if its state was kept in another way.
    """
    described = model.describe() if model else OBJECT
    with host.transaction() as transaction:
        before = description(transaction.state, name)
        if not before:
            _begin(transaction, name, model)
        elif {**before, "mode": ""} != {**described, "mode": ""}:
            raise ProjectionError(
                f"projection {name!r} keeps its state in another way than before",
                hint="Build it anew: kernel.rebuild(projection), then kernel.project(projection).",
            )
        describe(transaction.state, name, described, mode)
        found = standing(transaction.state, name)
        if found.error is not None:
            store(transaction.state, replace(found, paused=False, error=None, error_position=None))


def _begin(transaction: Transaction, name: str, model: Model | None) -> None:
    if model is not None:
        model.create(transaction, model.live(0))
    store(transaction.state, standing(transaction.state, name))
