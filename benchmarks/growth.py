"""`python -m benchmarks.growth`: what appends and reads cost while a store grows, up to ten million events."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets, tell, workplace
from eventlite.bench import Scale
from eventlite.bench.curves import decades, growth, steady_label
from eventlite.bench.html_page import page
from eventlite.bench.matrix import describe, open_stages
from eventlite.bench.results import Curve, Figure, Results, now
from eventlite.bench.surroundings import look_around
from eventlite.bench.table import about, curve_headings, curve_names, curve_rows

#: An append at the largest size may cost so many times what it costs in a store of `_FROM` events, by turns.
_AT_MOST = 1.5
_FROM = 100_000


@click.command("growth")
@click.option("--max", "most", type=click.IntRange(min=10_000), default=10_000_000, show_default=True, help="Events.")
@click.option("--profile", "profiles", multiple=True, default=["high-volume"], help="A profile; repeatable.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Rounds at each size.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), metavar="PATH", help="Write the plots there.")
@shared
def main(
    most: int,
    profiles: tuple[str, ...],
    rounds: int,
    html: Path | None,
    quick: bool,
    json: Path | None,
    keep: bool,
    directory: Path,
) -> None:
    """Measure appends, reads and pages at growing sizes of one store."""
    sizes = [200, 600] if quick else sizes_up_to(most)
    beside = sizes[0] if quick else _FROM
    with workplace(directory) as place:
        results = measure(profiles, sizes, 1 if quick else rounds, place, beside)
    _show(results, profiles, beside)
    if html is not None:
        html.write_text(page(results, {}, "EventLite, growing"), encoding="utf-8")
    for path in targets("growth", json, keep):
        write(path, results)


def sizes_up_to(most: int) -> list[int]:
    """Two sizes for each power of ten from 10,000 on."""
    return sorted({size for top in (1_000_000, most) for size in decades(top) if 10_000 <= size <= most})


def measure(profiles: tuple[str, ...], sizes: list[int], rounds: int, place: Path, beside: int) -> Results:
    """The curves of each profile and of a store of each that keeps to a size; results as those of `eventlite bench`."""
    scale = Scale(sizes[-1], rounds)
    with ExitStack() as stack:
        stages = open_stages(profiles, scale, place, stack)
        results = Results(now(), sizes[-1], rounds, look_around(place), [describe(stage) for stage in stages])
        results.curves.extend(growth(stages, scale, tell, sizes, beside))
    return results


def _show(results: Results, profiles: tuple[str, ...], beside: int) -> None:
    click.echo("\n".join(about(results)))
    for name in curve_names(results):
        click.echo()
        for row in (curve_headings(results, name), *curve_rows(results, name)):
            click.echo(f"{row[0]:34}" + "".join(f"{cell:>12}" for cell in row[1:]))
    click.echo()
    for profile in profiles:
        click.echo(verdict(results, profile, beside))


def verdict(results: Results, profile: str, beside: int) -> str:
    """What an append costs at the largest size, in appends to the store that keeps to its size."""
    (size, grown), (_, steady) = (_last(results.curves, label) for label in (profile, steady_label(profile, beside)))
    times = steady.median / grown.median
    met = "met" if times <= _AT_MOST else "NOT MET"
    return f"{profile}: an append at {size:,} events costs {times:.2f} x one at {beside:,}; at most {_AT_MOST}: {met}"


def _last(curves: Sequence[Curve], label: str) -> tuple[float, Figure]:
    """The point of the append curve at the largest size."""
    points = (curve.points for curve in curves if curve.name == "growth-append")
    return next(max(along) for along in points if along[0][1].contestant == label)


if __name__ == "__main__":
    main()
