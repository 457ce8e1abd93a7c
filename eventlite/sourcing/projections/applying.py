"""Calling a projection's handlers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from eventlite.errors import HandlerError, ProjectionError
from eventlite.event import Event, Row
from eventlite.sourcing.telling import told

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Transaction
    from eventlite.sourcing.projection import Handler, Projection
    from eventlite.sourcing.projections.model import Model

#: Events that are handled in one transaction.
BATCH = 1000


def apply_rows(
    host: Host, projection: Projection, model: Model, transaction: Transaction, place: str, rows: Sequence[Row]
) -> None:
    """Handle events inside a transaction; raises `HandlerError` with the position of the event at fault."""
    events = wanted(host, projection, rows)
    if events:
        with model.change(transaction, place) as state:
            apply(host, projection, events, state)


def wanted(host: Host, projection: Projection, rows: Iterable[Row]) -> list[Event]:
    """The events that have a handler."""
    handlers, fallback = projection.handlers, projection.fallback
    return host.events(rows if fallback else [row for row in rows if row[5] in handlers])


def apply(host: Host, projection: Projection, events: Iterable[Event], state: Any) -> None:
    """Call the handlers with a state that settles after each event; raises `HandlerError`."""
    handlers, fallback, settle = projection.handlers, projection.fallback, state.settle
    event: Event | None = None
    try:
        with host.refusing_appends(partial(_no_append, projection.name)):
            for event in events:
                handler = handlers.get(event.cmd, fallback)
                if handler is not None:  # an upcaster may have given the event another command
                    handler(event, state)
                    settle()
    except Exception as error:
        raise failure(f"projection {projection.name!r}", event, error) from error


def guarded(host: Host, projection: Projection, handler: Handler) -> Handler:
    """The handler of an object, which is called outside of transactions, kept from appending."""
    told = partial(_no_append, projection.name)

    def call(event: Event, state: Any) -> None:
        with host.refusing_appends(told):
            handler(event, state)

    return call


def call(who: str, handler: Handler, event: Event, state: Any) -> None:
    """Call one function; raises `HandlerError`."""
    try:
        handler(event, state)
    except Exception as error:
        raise failure(who, event, error) from error


def failure(who: str, event: Event | None, error: Exception) -> HandlerError:
    """The error that says which event was too much for whom."""
    if event is None:
        return HandlerError(f"{who} failed: {told(error)}")
    return HandlerError(f"{who} failed at event {event.id} ({event.cmd}): {told(error)}", position=event.id)


def _no_append(name: str) -> ProjectionError:
    return ProjectionError(
        f"projection {name!r}: a handler must not append, since every rebuild would append again",
        hint="Append in a function of its own, with @projection.reaction(...).",
    )
