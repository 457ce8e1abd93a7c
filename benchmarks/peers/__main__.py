"""`python -m benchmarks.peers`: the races, one after the other, and the ratios beside their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets, tell, workplace
from benchmarks.peers.arena import Arena
from benchmarks.peers.races import RACES, Race, Target
from eventlite.bench import Scale
from eventlite.bench.results import Contestant, LeftOutFigure, Results, figure, now
from eventlite.bench.rounds import interleave
from eventlite.bench.surroundings import look_around
from eventlite.bench.table import about, number, rate

_NAMES = click.Choice(list(RACES))


@dataclass(frozen=True)
class Ratio:
    """A target and what was reached; `reached` is None where a contestant was left out, `met` without a target too."""

    race: str
    ours: str
    other: str
    at_least: float | None
    reached: float | None
    met: bool | None


@click.command("peers")
@click.option("--only", multiple=True, type=_NAMES, metavar="NAME", help=f"A race; repeatable: {', '.join(RACES)}.")
@click.option("--events", type=click.IntRange(min=200), default=100_000, show_default=True, help="Events of a load.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Rounds of each race.")
@shared
def peers(
    only: tuple[str, ...], events: int, rounds: int, quick: bool, json: Path | None, keep: bool, directory: Path
) -> None:
    """Race EventLite against bare sqlite3, eventsourcing and UmaDB, by turns."""
    scale = Scale(500, 1) if quick else Scale(events, rounds)
    large = Scale(1_000, 1) if quick else Scale(10 * events, rounds)
    results, ratios = run([RACES[name] for name in only or RACES], scale, large, directory)
    if quick:
        results.notes.append("A tiny run, to see that everything works: its ratios say nothing.")
    _show(results, ratios)
    for path in targets("peers", json, keep):
        write(path, results, targets=ratios)


def run(races: Sequence[Race], scale: Scale, large: Scale, directory: Path) -> tuple[Results, list[Ratio]]:
    """All races; results as those of `eventlite bench`, with races as workloads."""
    with workplace(directory) as place:
        results = Results(now(), scale.events, scale.rounds, look_around(place), [])
        ratios: list[Ratio] = []
        for race in races:
            tell(f"{race.name}: {race.summary}")
            with Arena(place / race.name, scale, large) as arena:
                _run(race, arena, results)
            ratios += [_ratio(race, target, results) for target in race.targets]
    names = dict.fromkeys(one.contestant for one in results.figures)
    results.contestants.extend(Contestant(name) for name in names)
    return results, ratios


def _run(race: Race, arena: Arena, results: Results) -> None:
    outcome = interleave({name: entry(arena) for name, entry in race.contestants.items()}, arena.scale.rounds)
    results.figures.extend(figure(race.name, name, race.unit, rates) for name, rates in outcome.rates.items())
    results.left_out.extend(LeftOutFigure(race.name, name, reason) for name, reason in outcome.left_out.items())


def _ratio(race: Race, target: Target, results: Results) -> Ratio:
    medians = {one.contestant: one.median for one in results.figures if one.workload == race.name}
    ours, other = medians.get(target.ours), medians.get(target.other)
    reached = ours / other if ours and other else None
    met = None if reached is None or target.at_least is None else reached >= target.at_least
    return Ratio(race.name, target.ours, target.other, target.at_least, reached, met)


def _show(results: Results, ratios: Sequence[Ratio]) -> None:
    click.echo("\n".join(about(results)) + "\n")
    for one in results.figures:
        click.echo(f"{one.workload:20}{one.contestant:30}{rate(one):>18} {one.unit}/s")
    for left in results.left_out:
        click.echo(f"{left.workload:20}{left.contestant:30}left out: {left.reason}")
    click.echo(f"\n{'race':20}{'ratio':55}{'at least':>10}{'reached':>10}")
    for ratio in ratios:
        words = f"{ratio.ours} / {ratio.other}"
        click.echo(
            f"{ratio.race:20}{words:55}{_or_dash(ratio.at_least):>10}{_or_dash(ratio.reached):>10}  {_verdict(ratio)}"
        )


def _or_dash(value: float | None) -> str:
    return "-" if value is None else number(value)


def _verdict(ratio: Ratio) -> str:
    if ratio.reached is None:
        return "left out"
    return {True: "met", False: "NOT MET", None: ""}[ratio.met]


if __name__ == "__main__":
    peers()
