"""`python -m benchmarks.tricks`: what each trick of the bulk path is worth, under each profile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets, tell, workplace
from benchmarks.tricks.tricks import LOADS, Load
from eventlite.bench import Scale, Stage
from eventlite.bench.matrix import PROFILES
from eventlite.bench.results import now
from eventlite.bench.rounds import interleave, spread
from eventlite.bench.surroundings import Surroundings, look_around


@dataclass(frozen=True)
class Worth:
    """How many times as fast a load with a trick is: the median of the rounds, and the quartiles around it."""

    trick: str
    profile: str
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class TrickResults:
    """One run."""

    when: str
    surroundings: Surroundings
    events: int
    rounds: int
    worth: list[Worth] = field(default_factory=list)


@click.command("tricks")
@click.option("--profile", "profiles", multiple=True, default=PROFILES, show_default=True, help="Repeatable.")
@click.option("--events", type=click.IntRange(min=1), default=100_000, show_default=True, help="Events of a load.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True, help="Rounds under each profile.")
@shared
def main(
    profiles: tuple[str, ...], events: int, rounds: int, quick: bool, json: Path | None, keep: bool, directory: Path
) -> None:
    """Load events as usual and, by turns, with one trick of the bulk path switched off."""
    scale = Scale(200, 1) if quick else Scale(events, rounds)
    with workplace(directory) as place:
        results = TrickResults(now(), look_around(place), scale.events, scale.rounds)
        for profile in profiles[:1] if quick else profiles:
            tell(profile)
            results.worth.extend(measure(profile, scale, place))
    for one in results.worth:
        click.echo(f"{one.profile:18}{one.trick:60}{one.median:6.2f}  ({one.low:.2f} to {one.high:.2f})")
    for path in targets("tricks", json, keep):
        write(path, results)


def measure(profile: str, scale: Scale, place: Path) -> Iterator[Worth]:
    """What each trick is worth that changes anything under a profile."""
    with ExitStack() as stack:
        stages = {
            load.name: stack.enter_context(Stage(profile, place / f"{profile}-{number}", scale, overrides=_own(load)))
            for number, load in enumerate(LOADS)
        }
        running = [load for load in LOADS if _differs(load, stages)]
        rates = interleave({load.name: load.rounds(stages[load.name]) for load in running}, scale.rounds).rates
    for load in running:
        if load.trick:
            yield _worth(load.trick, profile, rates[load.beside], rates[load.name])


def _own(load: Load) -> dict[str, dict[str, object]] | None:
    return {"storage": dict(load.storage)} if load.storage else None


def _differs(load: Load, stages: dict[str, Stage]) -> bool:
    """Not if the profile has these settings anyway."""
    usual = stages["as it is"].plugins.settings["storage"]
    return not load.storage or any(getattr(usual, name) != value for name, value in load.storage.items())


def _worth(trick: str, profile: str, with_it: Sequence[float], without: Sequence[float]) -> Worth:
    """Of the ratios inside each round: whatever else the machine did then, it did to both."""
    ratios = [one / other for one, other in zip(with_it, without, strict=True)]
    return Worth(trick, profile, *(round(value, 3) for value in spread(ratios)))


if __name__ == "__main__":
    main()
