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
    ProjectionError,
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
    UpcastError,
)
from eventlite.event import Event, NewEvent
from eventlite.hookspecs import hookimpl
from eventlite.kernel import Kernel
from eventlite.page import Page
from eventlite.query import Condition, Query

if TYPE_CHECKING:
    from eventlite.aio import AsyncKernel
    from eventlite.sourcing.decider import Decider
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.snapshots import Snapshots
    from eventlite.sourcing.typed import from_event, to_event
    from eventlite.sourcing.waits.happened import Happened

__version__ = "0.1.0"

__all__ = [
    "AsyncKernel",
    "BulkError",
    "Condition",
    "ConflictError",
    "CorruptionError",
    "Decider",
    "Event",
    "EventLiteError",
    "ForeignFileError",
    "HandlerError",
    "Happened",
    "InvalidEventError",
    "InvalidQueryError",
    "JobError",
    "Kernel",
    "NewEvent",
    "Page",
    "PluginError",
    "ProfileError",
    "Projection",
    "ProjectionError",
    "Query",
    "SchemaVersionError",
    "Snapshots",
    "StorageError",
    "StoreBusyError",
    "StoreClosedError",
    "StoreFullError",
    "StoreNotFoundError",
    "StoreReadOnlyError",
    "SubscriptionError",
    "SubscriptionPausedError",
    "UnknownOutcomeError",
    "UpcastError",
    "from_event",
    "hookimpl",
    "to_event",
]

#: Names that are imported on first use, so that a program pays for what it uses.
_MODULES = {
    "AsyncKernel": "eventlite.aio",
    "Decider": "eventlite.sourcing.decider",
    "Happened": "eventlite.sourcing.waits.happened",
    "Projection": "eventlite.sourcing.projection",
    "Snapshots": "eventlite.sourcing.snapshots",
    "from_event": "eventlite.sourcing.typed",
    "to_event": "eventlite.sourcing.typed",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES[name]), name)
