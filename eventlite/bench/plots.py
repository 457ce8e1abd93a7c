"""From results to plots: one for each workload, one for each kind of curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eventlite.bench.results import Curve, Results
from eventlite.bench.svg import COLOURS, Bar, Line, bars, lines


def throughput_plots(results: Results) -> dict[str, str]:
    """A bar for each contestant, by workload; each plot has its own scale."""
    colours, drawn = _colours(results), dict[str, list[Bar]]()
    for one in results.figures:
        bar = Bar(one.contestant, one.median, one.low, one.high, colours[one.contestant])
        drawn.setdefault(one.workload, []).append(bar)
    return {workload: bars(those) for workload, those in drawn.items()}


def curve_plots(results: Results) -> dict[str, str]:
    """A line for each contestant, by the curve's name."""
    colours, alike = _colours(results), dict[str, list[Curve]]()
    for curve in results.curves:
        if curve.points:
            alike.setdefault(curve.name, []).append(curve)
    return {name: _plot(curves, colours) for name, curves in alike.items()}


def _colours(results: Results) -> Mapping[str, str]:
    """Each contestant has one colour in all plots."""
    named = [one.contestant for one in results.figures]
    named += [figure.contestant for curve in results.curves for _, figure in curve.points]
    names = dict.fromkeys([*(one.name for one in results.contestants), *named])
    return {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}


def _plot(curves: Sequence[Curve], colours: Mapping[str, str]) -> str:
    drawn = [_line(curve, colours) for curve in curves]
    unit = curves[0].points[0][1].unit
    widest = max(x for curve in curves for x, _ in curve.points)
    return lines(drawn, curves[0].x, f"{unit} per second", powers=widest >= 100)


def _line(curve: Curve, colours: Mapping[str, str]) -> Line:
    name = curve.points[0][1].contestant
    return Line(name, [(x, one.median, one.low, one.high) for x, one in curve.points], colours[name])
