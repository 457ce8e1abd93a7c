"""Given and then for projections: what is accepted, and what is said otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite import Event, NewEvent, Projection
from eventlite.testing import assert_projects

TOTALS = Projection("totals")
COUNTED = Projection("counted", factory=list)
ROWS = Projection("rows", tables={"paid": "CREATE TABLE {paid} (who TEXT, cents INTEGER)"})


@TOTALS.on("paid")
def add(event: Event, state: Any) -> None:
    state[event.user] = state.get(event.user, 0) + event.data["cents"]


@TOTALS.reaction("paid")
def react(event: Event) -> None:
    raise AssertionError("a reaction ran")


@COUNTED.on("paid")
def collect(event: Event, state: list[int]) -> None:
    state.append(event.data["cents"])


@ROWS.on("paid")
def insert(event: Event, state: Any) -> None:
    state.execute("INSERT INTO {paid} VALUES (?, ?)", [event.user, event.data["cents"]])


GIVEN = [NewEvent("paid", {"cents": cents}, user=user) for user, cents in (("ada", 5), ("ben", 2), ("ada", 1))]


def test_states_of_every_kind_are_compared() -> None:
    assert_projects(TOTALS, given=[*GIVEN, NewEvent("other")], then={"ada": 6, "ben": 2})
    assert_projects(TOTALS, then={})
    assert_projects(COUNTED, given=GIVEN, then=[5, 2, 1])
    assert_projects(
        ROWS, given=GIVEN, then={"SELECT who, sum(cents) FROM {paid} GROUP BY who": [("ada", 6), ("ben", 2)]}
    )


def test_a_difference_is_told_by_its_key() -> None:
    with pytest.raises(AssertionError) as told:
        assert_projects(TOTALS, given=GIVEN, then={"ada": 7, "cleo": 1})
    assert str(told.value) == (
        "the state is not as expected:\n"
        "  ada: expected 7, projected 6\n  ben: expected nothing, projected 2\n  cleo: expected 1, projected nothing"
    )
    with pytest.raises(AssertionError, match=r"expected \[5\]\n  projected \[5, 2, 1\]"):
        assert_projects(COUNTED, given=GIVEN, then=[5])
    with pytest.raises(AssertionError, match=r"SELECT who FROM {paid}: expected \[\], projected"):
        assert_projects(ROWS, given=GIVEN, then={"SELECT who FROM {paid}": []})
