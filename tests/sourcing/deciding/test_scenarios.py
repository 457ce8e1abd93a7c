"""Given, when, then: what the helpers accept, and what they say when they do not."""

from __future__ import annotations

import pytest

from eventlite import Decider, Event, NewEvent, Query
from eventlite.testing import assert_decides, assert_refuses


class EmptyError(Exception):
    """There is nothing left."""


def take(amount: int, left: int) -> list[NewEvent]:
    if amount > left:
        raise EmptyError(left)
    return [NewEvent("taken", {"amount": amount}, tags=["stock"]) for _ in range(min(1, amount))]


def count(left: int, event: Event) -> int:
    return left + (event.data["amount"] if event.cmd == "filled" else -event.data["amount"])


STOCK = Decider(take, count, 0, Query(tags=["stock"]))
FILLED = NewEvent("filled", {"amount": 5}, tags=["stock"])
TAKEN = NewEvent("taken", {"amount": 3}, tags=["stock"])


def test_a_decision_as_expected_is_returned() -> None:
    (decided,) = assert_decides(STOCK, given=[FILLED], when=3, then=[TAKEN])
    assert decided.id == 2
    assert assert_decides(STOCK, when=0) == []


def test_only_what_its_query_finds_counts() -> None:
    refusal = assert_refuses(STOCK, given=[FILLED, TAKEN, NewEvent("filled", {"amount": 9})], when=3, error=EmptyError)
    assert refusal.args == (2,)
    assert_decides(STOCK, given=[NewEvent("filled", {"amount": 9})], when=3, then=[TAKEN], query=Query())


def test_a_difference_is_told_by_its_field() -> None:
    wanted = NewEvent("taken", {"amount": 4}, tags=["stock", "x"], user="ada")
    with pytest.raises(AssertionError) as told:
        assert_decides(STOCK, given=[FILLED], when=3, then=[wanted])
    assert str(told.value) == (
        "event 1, taken, is not as expected:\n"
        "  data: expected {'amount': 4}, decided {'amount': 3}\n"
        "  tags: expected ('stock', 'x'), decided ('stock',)\n"
        "  user: expected 'ada', decided ''"
    )


def test_too_few_events_and_a_missing_refusal_are_told() -> None:
    with pytest.raises(AssertionError) as told:
        assert_decides(STOCK, given=[FILLED], when=0, then=[TAKEN])
    assert str(told.value) == "expected taken {'amount': 3}\ndecided no events"
    with pytest.raises(AssertionError, match=r"expected EmptyError, but it was decided: taken {'amount': 3}"):
        assert_refuses(STOCK, given=[FILLED], when=3, error=EmptyError)
    with pytest.raises(EmptyError):
        assert_refuses(STOCK, when=3, error=KeyError)
