"""The hooks around an append."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from eventlite.errors import EventLiteError, PluginError
from eventlite.event import Event, NewEvent, Row

if TYPE_CHECKING:
    from eventlite.contracts import CommitRequest, Committed, Transaction

#: Who implements a hook: the plugin's name and its function.
Listeners: TypeAlias = Sequence[tuple[str, Callable[..., Any]]]


def before_append(listeners: Listeners, events: Iterable[NewEvent]) -> list[NewEvent]:
    """The events as the plugins leave them. Whatever a plugin raises refuses the batch."""
    batch = list(events)
    for plugin, function in listeners:
        try:
            function(events=batch)
        except EventLiteError:
            raise
        except Exception as error:
            raise PluginError(
                f"{plugin} failed before the append: {type(error).__name__}: {error}; nothing was stored"
            ) from error
    return batch


def left_out() -> PluginError:
    """What the caller of `append` is told when no event is left."""
    return PluginError(
        "a plugin took the event out before the append; nothing was stored",
        hint="A plugin that refuses an event should raise an error that says why.",
    )


class AnnouncedTransaction:
    """A transaction that remembers what it appended, to be announced when it is done."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.rows: list[Row] = []

    def append(self, request: CommitRequest) -> Committed:
        """Append, and remember what is new."""
        committed = self._transaction.append(request)
        if committed.new:
            self.rows.extend(committed.rows)
        return committed

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def after_append(listeners: Listeners, events: Sequence[Event]) -> None:
    """Tell the plugins. The events are stored, so an error is logged and goes no further."""
    notify(listeners, "after the append", events=events)


def notify(listeners: Listeners, when: str, **arguments: Any) -> None:
    """Call every plugin; an error is logged with the plugin's name."""
    for plugin, function in listeners:
        try:
            function(**arguments)
        except Exception:
            import logging

            logging.getLogger("eventlite").exception("%s failed %s", plugin, when)
