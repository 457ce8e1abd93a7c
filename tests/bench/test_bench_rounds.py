from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventlite.bench import LeftOut, Measured, timed
from eventlite.bench.rounds import interleave, spread


def test_everyone_has_one_turn_in_each_round_and_another_begins_every_time() -> None:
    turns: list[str] = []

    def runner(name: str) -> Iterator[Measured]:
        while True:
            turns.append(name)
            yield Measured(1, 1.0)

    interleave({name: runner(name) for name in "abc"}, rounds=2)
    assert "".join(turns) == "abc" + "bca" + "cab"


def test_the_first_round_warms_up_and_does_not_count() -> None:
    outcome = interleave({"a": (Measured(units, 1.0) for units in (1000, 5, 7))}, rounds=2)
    assert outcome.rates == {"a": [5.0, 7.0]}


def test_what_does_not_apply_is_left_out_and_the_others_go_on() -> None:
    def refusing() -> Iterator[Measured]:
        raise LeftOut("no cache")
        yield

    ending = iter([Measured(1, 1.0), Measured(1, 1.0)])
    contestants = {
        "refuses": refusing(),
        "ends": (each for each in ending),
        "goes on": (Measured(3, 1.0) for _ in range(9)),
    }
    outcome = interleave(contestants, rounds=3)
    assert outcome.rates == {"goes on": [3.0, 3.0, 3.0]}
    assert outcome.left_out == {"refuses": "no cache", "ends": "it ended before its last round"}


def test_everyone_is_cleaned_up_even_if_one_fails() -> None:
    cleaned: list[str] = []

    def careful() -> Iterator[Measured]:
        try:
            while True:
                yield Measured(1, 1.0)
        finally:
            cleaned.append("careful")

    def failing() -> Iterator[Measured]:
        yield Measured(1, 1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interleave({"careful": careful(), "failing": failing()}, rounds=3)
    assert cleaned == ["careful"]


def test_timing_counts_what_the_work_says_it_did() -> None:
    measured = timed(lambda done: len(done), [1, 2, 3])
    assert measured.units == 3
    assert measured.seconds >= 0
    assert Measured(10, 2.0).rate == 5.0


def test_the_spread_is_the_median_and_the_quartiles() -> None:
    assert spread([5.0, 1.0, 4.0, 2.0, 3.0]) == (3.0, 2.0, 4.0)
    assert spread([7.0]) == (7.0, 7.0, 7.0)
