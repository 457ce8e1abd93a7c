"""Plots as SVG: bars with whiskers, and lines over an axis. Small functions over text; nothing to load."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from html import escape
from typing import NamedTuple

from eventlite.bench.table import number

#: Told apart by people who see colours differently, too (Okabe and Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")

_WIDTH = 720
_LABEL = 190
_VALUE = 130
_ROW = 24

_HEIGHT = 330
_LEFT, _RIGHT, _TOP, _BOTTOM = 88, 170, 14, 48

#: From one line of text to the next.
_LINE = 15


class Bar(NamedTuple):
    """A bar, its quartiles and its colour."""

    label: str
    value: float
    low: float
    high: float
    colour: str


class Line(NamedTuple):
    """A line through points: x, median, low, high."""

    label: str
    points: Sequence[tuple[float, float, float, float]]
    colour: str


#: How a plot looks in a file of its own; a page has its own style for the same classes.
_STYLE = (
    "<style>svg { background: #ffffff; font: 13px system-ui, sans-serif; } text { fill: #1b1f24; } "
    ".tick, .axis { fill: #5b6470; font-size: 12px; } .grid { stroke: #e2e6ea; } .axis-line { stroke: #5b6470; } "
    ".whisker { stroke: #1b1f24; stroke-width: 1.5; opacity: .65; } .name { font-weight: 600; }</style>"
)


def standalone(plot: str) -> str:
    """A plot as the text of an `.svg` file."""
    opening, rest = plot.split(">", 1)
    return f"{opening}>{_STYLE}{rest}\n"


def bars(drawn: Sequence[Bar]) -> str:
    """Horizontal bars on one scale from 0, each with its quartiles and its value."""
    most = max((bar.high for bar in drawn), default=0) or 1
    room = _WIDTH - _LABEL - _VALUE
    parts = [part for row, bar in enumerate(drawn) for part in _bar(bar, row * _ROW, room / most)]
    return _svg(len(drawn) * _ROW, parts)


def lines(drawn: Sequence[Line], x_name: str, y_name: str, *, powers: bool = False) -> str:
    """Lines from y = 0 on; with `powers` the x axis goes by powers of ten."""
    xs = sorted({point[0] for line in drawn for point in line.points})
    most = max(point[3] for line in drawn for point in line.points) or 1
    steps = ticks(most)
    across = _across(math.log10 if powers else float, xs)
    up = _HEIGHT - _TOP - _BOTTOM

    def down(value: float) -> float:
        return _TOP + up * (1 - value / steps[-1])

    parts = [*_y_axis(steps, down, y_name), *_x_axis(xs, across, x_name)]
    for line in drawn:
        parts += _line(line, across, down)
    return _svg(_HEIGHT, [*parts, *_labels(drawn, down)])


def ticks(most: float) -> list[float]:
    """Round numbers from 0 to at least `most`, four to nine of them."""
    power = 10.0 ** math.floor(math.log10(most))
    step = next(power * part for part in (0.125, 0.25, 0.5, 1, 2) if most / (power * part) <= 8)
    return [step * count for count in range(math.ceil(most / step - 1e-9) + 1)]


def _svg(height: float, parts: Iterable[str]) -> str:
    size = f'viewBox="0 0 {_WIDTH} {height:.0f}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">{"".join(parts)}</svg>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{named}>{escape(text)}</text>'


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _bar(bar: Bar, top: float, scale: float) -> Iterator[str]:
    middle = top + _ROW / 2
    yield _text(_LABEL - 8, middle + 4, bar.label, anchor="end")
    yield (
        f'<rect x="{_LABEL}" y="{top + 4:.1f}" width="{bar.value * scale:.1f}" height="{_ROW - 8}" rx="2" '
        f'fill="{bar.colour}"><title>{escape(bar.label)}: {number(bar.value)}, '
        f"quartiles {number(bar.low)} and {number(bar.high)}</title></rect>"
    )
    yield _rule(_LABEL + bar.low * scale, middle, _LABEL + bar.high * scale, middle, "whisker")
    yield _text(_LABEL + bar.high * scale + 8, middle + 4, number(bar.value), kind="value")


def _across(shape: Callable[[float], float], xs: Sequence[float]) -> Callable[[float], float]:
    """Where a value of x stands."""
    first, last = shape(xs[0]), shape(xs[-1])
    room = _WIDTH - _LEFT - _RIGHT
    return lambda x: _LEFT + room * ((shape(x) - first) / (last - first) if last > first else 0.5)


def _y_axis(steps: Sequence[float], down: Callable[[float], float], name: str) -> Iterator[str]:
    for step in steps:
        yield _rule(_LEFT, down(step), _WIDTH - _RIGHT, down(step), "grid")
        yield _text(_LEFT - 8, down(step) + 4, number(step) if step else "0", anchor="end", kind="tick")
    yield (
        f'<text transform="translate(14 {(_TOP + _HEIGHT - _BOTTOM) / 2:.0f}) rotate(-90)" '
        f'text-anchor="middle" class="axis">{escape(name)}</text>'
    )


def _x_axis(xs: Sequence[float], across: Callable[[float], float], name: str) -> Iterator[str]:
    floor = _HEIGHT - _BOTTOM
    for x in xs:
        yield _rule(across(x), floor, across(x), floor + 5, "axis-line")
        yield _text(across(x), floor + 19, short(x), anchor="middle", kind="tick")
    yield _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 6, name, anchor="middle", kind="axis")


def short(value: float) -> str:
    """A number in little room: 31,623 is 32k."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:g}"


def _line(line: Line, across: Callable[[float], float], down: Callable[[float], float]) -> Iterator[str]:
    path = " ".join(f"{across(x):.1f},{down(value):.1f}" for x, value, _, _ in line.points)
    yield f'<polyline points="{path}" fill="none" stroke="{line.colour}" stroke-width="2"/>'
    for x, value, low, high in line.points:
        yield (
            f'<line x1="{across(x):.1f}" y1="{down(low):.1f}" x2="{across(x):.1f}" y2="{down(high):.1f}" '
            f'class="whisker" style="stroke: {line.colour}"/>'
        )
        yield (
            f'<circle cx="{across(x):.1f}" cy="{down(value):.1f}" r="3.5" fill="{line.colour}">'
            f"<title>{escape(line.label)} at {x:,.10g}: {number(value)}</title></circle>"
        )


def _labels(drawn: Sequence[Line], down: Callable[[float], float]) -> Iterator[str]:
    """Each line's name beside its end, moved so that no two overlap and none stands below the axis."""
    ending = sorted((line for line in drawn if line.points), key=lambda line: -line.points[-1][1])
    x = _WIDTH - _RIGHT + 10
    for line, y in zip(ending, spaced([down(line.points[-1][1]) + 4 for line in ending], down(0)), strict=True):
        yield f'<text x="{x}" y="{y:.1f}" style="fill: {line.colour}" class="name">{escape(line.label)}</text>'


def spaced(wanted: Sequence[float], lowest: float) -> list[float]:
    """Growing heights moved as little as keeps them a line apart and none below the lowest."""
    placed: list[float] = []
    for y in wanted:
        placed.append(max(y, placed[-1] + _LINE) if placed else y)
    for index in reversed(range(len(placed))):
        placed[index] = min(placed[index], lowest)
        lowest = placed[index] - _LINE
    return placed
