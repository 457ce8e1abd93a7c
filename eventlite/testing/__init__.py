"""The contracts as test suites, and what tests of an application need.

For a plugin, subclass the suite of its concern, override what makes it, and run pytest. For an application there are a
clock that is moved by hand and given/when/then for deciders and projections. They need the extra
`eventlite-sourcing[test]`.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from eventlite.testing.bulk import BulkContract
    from eventlite.testing.caching import CacheContract
    from eventlite.testing.capabilities import left_out
    from eventlite.testing.clock import ManualClock
    from eventlite.testing.formats import FormatContract
    from eventlite.testing.indexing import IndexingContract
    from eventlite.testing.jobs import JobDispatcherContract
    from eventlite.testing.projected import assert_projects
    from eventlite.testing.scenarios import assert_decides, assert_refuses
    from eventlite.testing.storage import StorageContract

_MODULES = {
    "BulkContract": "bulk",
    "CacheContract": "caching",
    "FormatContract": "formats",
    "IndexingContract": "indexing",
    "JobDispatcherContract": "jobs",
    "ManualClock": "clock",
    "StorageContract": "storage",
    "assert_decides": "scenarios",
    "assert_projects": "projected",
    "assert_refuses": "scenarios",
    "left_out": "capabilities",
}

__all__ = [
    "BulkContract",
    "CacheContract",
    "FormatContract",
    "IndexingContract",
    "JobDispatcherContract",
    "ManualClock",
    "StorageContract",
    "assert_decides",
    "assert_projects",
    "assert_refuses",
    "left_out",
]

# So that a failing assert in a suite shows its values, as one in a test file does.
for _module in Path(__file__).parent.glob("*.py"):
    if _module.stem not in ("__init__", "capabilities"):  # pytest does those itself
        pytest.register_assert_rewrite(f"{__name__}.{_module.stem}")


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
