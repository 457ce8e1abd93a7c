"""What changed from one run to another, beyond the noise.

A figure changed when the quartiles of the two runs do not overlap and the medians differ by more than 5 %.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

from eventlite.bench.results import Figure, Results

#: The part of a median that a change must exceed.
THRESHOLD = 0.05

Verdict: TypeAlias = Literal["faster", "slower", "same", "gone", "new"]


class Change(NamedTuple):
    """One figure of two runs; `ratio` is the later median to the earlier."""

    workload: str
    contestant: str
    unit: str
    before: Figure | None
    after: Figure | None
    ratio: float | None
    verdict: Verdict


def compare(before: Results, after: Results) -> Iterator[Change]:
    """The change of every figure of either run, points of curves included."""
    earlier, later = _figures(before), _figures(after)
    for workload, contestant in dict.fromkeys([*earlier, *later]):
        one, other = earlier.get((workload, contestant)), later.get((workload, contestant))
        unit = (one or other).unit  # type: ignore[union-attr]  # it is in one of them
        ratio = other.median / one.median if one and other and one.median else None
        yield Change(workload, contestant, unit, one, other, ratio, _verdict(one, other))


def differences(before: Results, after: Results) -> list[str]:
    """What makes two runs hard to compare, a sentence each."""
    said = [
        f"{name} differs: {one}, then {other}"
        for name, one, other in (
            ("the number of events", before.events, after.events),
            ("the processor", before.surroundings.processor, after.surroundings.processor),
            ("the number of cores", before.surroundings.cores, after.surroundings.cores),
            ("Python", before.surroundings.python, after.surroundings.python),
            ("SQLite", before.surroundings.sqlite, after.surroundings.sqlite),
            ("the file system", before.surroundings.file_system, after.surroundings.file_system),
        )
        if one != other
    ]
    settings = {contestant.name: contestant for contestant in before.contestants}
    said += [
        f"the settings of {contestant.name} differ"
        for contestant in after.contestants
        if contestant.name in settings and contestant != settings[contestant.name]
    ]
    return said


def _figures(results: Results) -> dict[tuple[str, str], Figure]:
    found = {(figure.workload, figure.contestant): figure for figure in results.figures}
    for curve in results.curves:
        for x, figure in curve.points:
            found[f"{curve.name} at {x:,.10g}", figure.contestant] = figure
    return found


def _verdict(before: Figure | None, after: Figure | None) -> Verdict:
    if before is None:
        return "new"
    if after is None:
        return "gone"
    if abs(after.median - before.median) <= THRESHOLD * before.median:
        return "same"
    if after.low > before.high:
        return "faster"
    return "slower" if after.high < before.low else "same"
