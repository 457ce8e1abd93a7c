"""The smallest complete storage: events in a list. Copy it to start your own."""

from __future__ import annotations

from eventlite import hookimpl
from eventlite_memory.settings import Settings
from eventlite_memory.storage import MemoryStorage

CONTRACT = 1


@hookimpl
def eventlite_make_storage(settings: Settings) -> MemoryStorage | None:  # noqa: ARG001 - it has none
    """A new, empty storage."""
    return MemoryStorage()
