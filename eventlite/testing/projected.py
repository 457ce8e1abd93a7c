"""Given what has happened, then this is the state: projections tested in memory."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from eventlite.event import NewEvent
from eventlite.kernel import Kernel
from eventlite.sourcing.projection import Projection
from eventlite.testing.clock import ManualClock


def assert_projects(projection: Projection, *, given: Iterable[NewEvent] = (), then: Any) -> None:
    """Raise `AssertionError` unless these events lead to exactly that state.

    `then` is a dict, or the object that the projection's factory makes; for tables a dict of SELECT statements, with
    the names of tables in braces, to the rows that each finds. Reactions are not run.
    """
    with TemporaryDirectory() as directory:
        storage = {"path": str(Path(directory) / "store.db")} if projection.tables else {"plugin": "memory"}
        with Kernel.from_profile("high-volume", storage=storage) as kernel:
            kernel.clock = ManualClock()
            kernel.append_many(given)
            state = kernel.project_at(projection, kernel.head())
            _compare({asked: state.query(asked) for asked in then} if projection.tables else state, then)


def _compare(state: Any, wanted: Any) -> None:
    if state != wanted:
        by_key = isinstance(state, dict) and isinstance(wanted, dict)
        differences = _differences(state, wanted) if by_key else [f"  expected {wanted!r}", f"  projected {state!r}"]
        raise AssertionError("\n".join(["the state is not as expected:", *differences]))


def _differences(state: dict[Any, Any], wanted: dict[Any, Any]) -> list[str]:
    return [
        f"  {key}: expected {_shown(wanted, key)}, projected {_shown(state, key)}"
        for key in sorted({*state, *wanted}, key=str)
        if key not in state or key not in wanted or state[key] != wanted[key]
    ]


def _shown(state: dict[Any, Any], key: Any) -> str:
    return repr(state[key]) if key in state else "nothing"
