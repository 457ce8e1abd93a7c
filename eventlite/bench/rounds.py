"""Rounds that take turns, so that whatever else the machine does meets everyone alike; then median and spread."""

from __future__ import annotations

import gc
from collections.abc import Callable, Generator, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles
from time import perf_counter
from typing import Generic, NamedTuple, ParamSpec, TypeAlias, TypeVar

_P = ParamSpec("_P")
_Name = TypeVar("_Name", bound=Hashable)


class Measured(NamedTuple):
    """One round: how many units of work were done, in how many seconds."""

    units: int
    seconds: float

    @property
    def rate(self) -> float:
        """Units per second."""
        return self.units / max(self.seconds, 1e-9)


#: What is prepared before the first `yield` and cleaned up behind the last is not measured; each `yield` is a round.
Rounds: TypeAlias = Generator[Measured, None, None]


class LeftOut(Exception):  # noqa: N818
    """Raised by a workload that does not apply; the text says why."""


class Spread(NamedTuple):
    """The median of some rates, and the quartiles around it."""

    median: float
    low: float
    high: float


@dataclass(slots=True)
class Outcome(Generic[_Name]):
    """The rates of every contestant, one per round, and why others were left out."""

    rates: dict[_Name, list[float]] = field(default_factory=dict)
    left_out: dict[_Name, str] = field(default_factory=dict)


def timed(work: Callable[_P, int], *args: _P.args, **kwargs: _P.kwargs) -> Measured:
    """Do the work, which returns how many units it did, and look at the clock before and after."""
    gc.collect()
    start = perf_counter()
    units = work(*args, **kwargs)
    return Measured(units, perf_counter() - start)


def interleave(contestants: Mapping[_Name, Rounds], rounds: int) -> Outcome[_Name]:
    """One round of each to warm up, then `rounds` rounds in which each has one turn and another begins every time."""
    outcome = Outcome({name: [] for name in contestants})
    try:
        for number in range(rounds + 1):
            for name in _turns(list(outcome.rates), number):
                measured = _next(name, contestants[name], outcome)
                if measured is not None and number > 0:
                    outcome.rates[name].append(measured.rate)
    finally:
        for contestant in contestants.values():
            contestant.close()
    return outcome


def spread(rates: Sequence[float]) -> Spread:
    """Median and quartiles of at least one rate."""
    if len(rates) == 1:
        return Spread(rates[0], rates[0], rates[0])
    low, median, high = quantiles(rates, n=4, method="inclusive")
    return Spread(median, low, high)


def _turns(names: list[_Name], number: int) -> list[_Name]:
    first = number % len(names) if names else 0
    return names[first:] + names[:first]


def _next(name: _Name, contestant: Rounds, outcome: Outcome[_Name]) -> Measured | None:
    """The next round, or None if there is none: the contestant is out then."""
    try:
        return next(contestant)
    except StopIteration:
        reason = "it ended before its last round"
    except LeftOut as error:
        reason = str(error)
    del outcome.rates[name]
    outcome.left_out[name] = reason
    return None
