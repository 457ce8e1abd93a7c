"""What contract suites run plugins in: a store by name, and a host around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from importlib.metadata import entry_points
from typing import Any

from eventlite.contracts import CommitRequest, Storage, Transaction
from eventlite.drafting import draft_batch, now
from eventlite.errors import EventLiteError, PluginError
from eventlite.event import Event, NewEvent, Row
from eventlite.inline import InlineCommit, InlineHandler, call_handlers
from eventlite.query import Condition


class StorageHost:
    """A `Host` with nothing but a storage: no hooks, no queue, no cache. The caller closes the storage."""

    def __init__(self, storage: Storage, clock: Callable[[], int] = now) -> None:
        self._storage = storage
        self._handlers: list[InlineHandler] = []
        self._commit = InlineCommit(storage, partial(call_handlers, self._handlers))
        self.clock = clock

    @property
    def storage(self) -> Storage:
        """The store."""
        return self._storage

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A unit of work of the store; the handlers of `inside_appends` are not called."""
        return self._storage.transaction()

    def prepare(self, events: list[NewEvent], condition: Condition | None = None) -> CommitRequest:
        """A batch, checked and encoded."""
        return draft_batch(events, condition, recorded=self.clock())

    def inside_appends(self, handler: InlineHandler) -> None:
        """Call the handler in the transaction of every `append_many`."""
        self._handlers.append(handler)

    def refusing_appends(self, told: Callable[[], EventLiteError]) -> AbstractContextManager[None]:  # noqa: ARG002
        """Nothing is refused."""
        return nullcontext()

    def append_many(self, events: Iterable[NewEvent], condition: Condition | None = None) -> list[Event]:
        """Append a batch; raises what it was refused for."""
        batch = list(events)
        if not batch:
            return []
        (outcome,) = self._commit([self.prepare(batch, condition)])
        if isinstance(outcome, EventLiteError):
            raise outcome
        return self.events(outcome.rows)

    def events(self, rows: Iterable[Row]) -> list[Event]:
        """Stored rows as events."""
        return list(map(Event, rows))


def open_storage(plugin: str = "memory", **settings: Any) -> Storage:
    """The storage that an installed plugin makes of these settings; raises `PluginError` if it is not installed."""
    found = list(entry_points(group="eventlite.storage", name=plugin))
    if not found:
        raise PluginError(f"no storage plugin named {plugin!r} is installed")
    module = found[0].load()
    storage: Storage = module.eventlite_make_storage(settings=module.Settings(**settings))
    return storage
