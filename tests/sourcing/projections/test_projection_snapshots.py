"""Snapshots of projections: from one of them on, any moment is what it is from the first event on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlite import InvalidEventError, Kernel, NewEvent, Projection, ProjectionError, Query, Snapshots
from eventlite.testing import ManualClock

#: Names that were added, and by how many seconds the clock moves then: back, too.
_EVENTS = st.lists(st.tuples(st.sampled_from("abcde"), st.integers(-3, 5)), min_size=1, max_size=9)
_STEPS = st.lists(st.tuples(_EVENTS, st.sampled_from(["run", "run", "rebuild", "nothing"])), min_size=1, max_size=8)


def counts(snapshots: Snapshots[Any] | None = None, **kept_in: Any) -> Projection:
    """How often a name was added; at ten it begins anew. `seen` are the ids that its function was called with."""
    projection = Projection("counts", snapshots=snapshots, **kept_in)
    projection.seen = []

    @projection.on("added")
    def added(event: Any, state: Any) -> None:
        projection.seen.append(event.id)
        name = event.data["name"]
        state[name] = state.get(name, 0) + 1
        if state[name] == 10:
            del state[name]

    return projection


def add(kernel: Any, *names: str) -> None:
    kernel.append_many([NewEvent("added", {"name": name}) for name in names])
    kernel.run_until_idle()


@pytest.mark.parametrize("mode", ["inline", "follow"])
@pytest.mark.parametrize("kept_in", [{}, {"factory": dict}], ids=["records", "object"])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=_STEPS, every=st.integers(1, 8), most=st.integers(1, 3))
def test_a_snapshot_and_its_tail_equal_a_full_replay(
    mode: str, kept_in: dict[str, Any], history: Any, every: int, most: int
) -> None:
    if kept_in and mode == "inline":
        pytest.skip("an object only follows")
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.clock = clock = ManualClock()
        projection = counts(Snapshots(every=every, keep=most), **kept_in)
        handle = kernel.project(projection, mode)
        for added, then in history:
            for name, seconds in added:
                clock.advance(seconds=seconds)
                kernel.append("added", {"name": name})
            if then == "rebuild":
                kernel.rebuild("counts")
            if then == "run":
                kernel.run_until_idle()
            assert len(handle.snapshots) <= most
            assert all(position <= kernel.head() for position in handle.snapshots)
        plain = counts(**kept_in)
        for event in kernel.read():
            assert kernel.project_at(projection, event.id) == kernel.project_at(plain, event.id)
            assert kernel.project_at(projection, event.datetime) == kernel.project_at(plain, event.datetime)
        kernel.run_until_idle()
        assert handle.state == kernel.project_at(plain, kernel.head())


def test_only_what_came_after_the_snapshot_is_replayed(kernel: Any) -> None:
    projection = counts(Snapshots(every=4, keep=2))
    handle = kernel.project(projection)
    for round in range(4):
        add(kernel, "a", "b", "c", "d", str(round))
    assert handle.snapshots == [15, 20]
    projection.seen.clear()
    assert kernel.project_at("counts", 17)["a"] == 4
    assert projection.seen == [16, 17]
    projection.seen.clear()
    assert kernel.project_at("counts", 14)["a"] == 3  # before the oldest that is kept
    assert projection.seen == list(range(1, 15))


def test_a_large_state_is_kept_in_parts(kernel: Any) -> None:
    projection = counts(Snapshots(every=1000))
    kernel.project(projection)
    add(kernel, *(f"name {number}" for number in range(1205)))
    assert projection.handle.snapshots == [1000]
    add(kernel, *["name 3"] * 9, *(f"name {number}" for number in range(900)))
    assert "name 3" not in kernel.project_at("counts", 1214)
    assert kernel.project_at("counts", 1500) == kernel.project_at(counts(), 1500)


def test_snapshots_of_other_code_are_left_alone(kernel: Any) -> None:
    kernel.project(counts(Snapshots(every=2)))
    add(kernel, "a", "b", "c")
    changed = counts(Snapshots(version=2, every=2))
    assert kernel.project_at(changed, 3) == {"a": 1, "b": 1, "c": 1}
    assert changed.seen == [1, 2, 3]


def test_a_rebuild_removes_those_of_the_state_that_goes(kernel: Any) -> None:
    projection = counts(Snapshots(every=2))
    handle = kernel.project(projection)
    add(kernel, "a", "b")
    assert handle.snapshots == [2]
    kernel.rebuild("counts")
    assert handle.snapshots == []
    add(kernel, "c")
    assert handle.snapshots == [3]
    assert kernel.project_at("counts", 3) == handle.state


def test_an_object_is_filled_from_its_snapshot_in_the_next_process(sql_sections: dict[str, Any]) -> None:
    with Kernel.from_profile(**sql_sections) as kernel:
        kernel.project(counts(Snapshots(every=3), factory=dict))
        add(kernel, "a", "b", "c", "a")
        kernel.rebuild("counts")
    with Kernel.from_profile(**sql_sections) as kernel:
        projection = counts(Snapshots(every=3), factory=dict)
        kernel.project(projection)
        add(kernel, "b")
        projection.seen.clear()
        kernel.rebuild("counts")
        assert projection.state == {"a": 2, "b": 2, "c": 1}
        assert projection.seen == [5]


class Tally:
    """An object that does not say what it equals."""

    def __init__(self, names: dict[str, int] | None = None) -> None:
        self.names = names or {}


def test_an_object_of_any_class_is_kept_as_it_says() -> None:
    policy = Snapshots[Tally](every=1, dump=lambda tally: tally.names, load=Tally)
    projection = Projection("tally", factory=Tally, snapshots=policy)

    @projection.on("added")
    def added(event: Any, tally: Tally) -> None:
        tally.names[event.data["name"]] = event.id

    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.project(projection)
        add(kernel, "a", "b")
        kernel.rebuild("tally")
        add(kernel, "c")
        kernel.rebuild("tally")
        assert projection.handle.snapshots == [2, 3]
        assert kernel.project_at("tally", 2).names == {"a": 1, "b": 2}
        assert projection.state.names == {"a": 1, "b": 2, "c": 3}


def test_an_object_that_would_not_come_back_is_told_of() -> None:
    projection = counts(Snapshots(every=1, load=lambda kept: {}), factory=dict)
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.project(projection)
        add(kernel, "a")
        with pytest.raises(InvalidEventError, match=r"a state of 'projection:counts' would not come back"):
            kernel.rebuild("counts")


def test_what_no_snapshots_can_be_taken_with_is_refused() -> None:
    with pytest.raises(ProjectionError, match="in tables, of which no snapshots are taken"):
        Projection("t", tables={"t": "CREATE TABLE {t} (id TEXT)"}, snapshots=Snapshots())
    with pytest.raises(ProjectionError, match="expected Snapshots, not 5"):
        Projection("t", snapshots=5)
    with pytest.raises(InvalidEventError, match="snapshots of a fold need a name"), _memory() as kernel:
        kernel.fold(Query(), lambda state, _event: state, 0, snapshots=Snapshots())


def test_a_moment_at_which_the_clock_was_set_back_leaves_nothing_out() -> None:
    with _memory() as kernel:
        kernel.clock = clock = ManualClock(dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC))
        kernel.project(counts(Snapshots(every=1, keep=5)))
        add(kernel, "noon")
        clock.advance(seconds=-3600)
        add(kernel, "eleven")
        moment = dt.datetime(2026, 3, 1, 11, 30, tzinfo=dt.UTC)
        assert kernel.project_at("counts", moment) == {"eleven": 1}


def _memory() -> Kernel:
    return Kernel.from_profile(storage={"plugin": "memory"})
