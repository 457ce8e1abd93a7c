"""EventLite: an event store and event-sourcing framework, one file by default.

from eventlite import Kernel

with Kernel.from_profile("balanced", storage={"path": "app.db"}) as kernel:
kernel.append("userRegistered", {"email": "a@example.com"}, user="alice")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eventlite.errors import (
    BulkError,
    ConflictError,
    CorruptionError,
    EventLiteError,
    ForeignFileError,
    HandlerError,
    InvalidEventError,
    InvalidQueryError,
    JobError,
    PluginError,
    ProfileError,
    SchemaVersionError,
    StorageError,
    StoreBusyError,
    StoreClosedError,
    StoreFullError,
    StoreNotFoundError,
    StoreReadOnlyError,
    SubscriptionError,
    SubscriptionPausedError,
    UnknownOutcomeError,
)
from eventlite.event import Event, NewEvent
from eventlite.hookspecs import hookimpl
from eventlite.kernel import Kernel
from eventlite.page import Page
from eventlite.query import Condition, Query

if TYPE_CHECKING:
    from eventlite.aio import AsyncKernel

__version__ = "0.1.0"

__all__ = [
    "AsyncKernel",
    "BulkError",
    "Condition",
    "ConflictError",
    "CorruptionError",
    "Event",
    "EventLiteError",
    "ForeignFileError",
    "HandlerError",
    "InvalidEventError",
    "InvalidQueryError",
    "JobError",
    "Kernel",
    "NewEvent",
    "Page",
    "PluginError",
    "ProfileError",
    "Query",
    "SchemaVersionError",
    "StorageError",
    "StoreBusyError",
    "StoreClosedError",
    "StoreFullError",
    "StoreNotFoundError",
    "StoreReadOnlyError",
    "SubscriptionError",
    "SubscriptionPausedError",
    "UnknownOutcomeError",
    "hookimpl",
]


def __getattr__(name: str) -> Any:
    """`AsyncKernel` on first use: who does not use asyncio does not import it."""
    if name == "AsyncKernel":
        from eventlite.aio import AsyncKernel

        return AsyncKernel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
