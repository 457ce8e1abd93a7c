"""Results as rows of text, for a terminal or a page."""

from __future__ import annotations

from collections.abc import Iterator

from eventlite.bench.results import Figure, Results


def headings(results: Results) -> list[str]:
    """What stands above the columns."""
    return ["workload", *(contestant.name for contestant in results.contestants), "per second"]


def rows(results: Results) -> Iterator[list[str]]:
    """A row for each workload; one that was left out has a dash."""
    found = {(figure.workload, figure.contestant): figure for figure in results.figures}
    units = {figure.workload: figure.unit for figure in results.figures}
    asked = dict.fromkeys([*units, *(left.workload for left in results.left_out)])
    for workload in asked:
        cells = (found.get((workload, contestant.name)) for contestant in results.contestants)
        yield [workload, *("-" if cell is None else rate(cell) for cell in cells), units.get(workload, "")]


def curve_names(results: Results) -> list[str]:
    """The names of the curves, each once."""
    return list(dict.fromkeys(curve.name for curve in results.curves))


def curve_headings(results: Results, name: str) -> list[str]:
    """What stands above the columns of `curve_rows`."""
    curves = [curve for curve in results.curves if curve.name == name]
    return [curves[0].title, *(f"{x:,.10g}" for x, _ in curves[0].points)]


def curve_rows(results: Results, name: str) -> Iterator[list[str]]:
    """A row for each contestant, with its medians along the curve."""
    for curve in results.curves:
        if curve.name == name:
            yield [curve.points[0][1].contestant, *(number(figure.median) for _, figure in curve.points)]


def rate(figure: Figure) -> str:
    """The median and half the distance of the quartiles: `21,034 ±3%`."""
    half = (figure.high - figure.low) / 2
    return f"{number(figure.median)} ±{half / figure.median:.0%}" if figure.median else "0"


def number(value: float) -> str:
    """A rate for people: whole, but for small ones."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def about(results: Results) -> list[str]:
    """Where the figures come from, in lines."""
    found = results.surroundings
    lines = [
        f"{found.processor}, {found.cores} cores, {found.system}",
        f"{found.python}, SQLite {found.sqlite}, EventLite {found.eventlite}",
        f"{found.file_system or 'unknown'} file system, a sync takes {found.sync:,.0f} µs, "
        f"the slowest tenth {found.slow_sync:,.0f} µs",
        f"{results.events:,} events, median ± half the quartiles' distance of {results.rounds} rounds",
    ]
    if found.load is not None:
        lines[0] += f", load {found.load:g} at the beginning"
        if found.load > found.cores:
            lines.append("Others kept the machine busy: the figures are lower and less certain than on a quiet one.")
    return [*lines, *results.notes]
