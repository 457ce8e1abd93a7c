"""The matrix: every workload under every profile, and the curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from eventlite.bench.curves import CURVES
from eventlite.bench.results import Contestant, LeftOutFigure, Results, figure, now
from eventlite.bench.rounds import interleave
from eventlite.bench.stage import Scale, Stage
from eventlite.bench.surroundings import look_around
from eventlite.bench.workloads import names, workloads_of
from eventlite.errors import EventLiteError


class Tell(Protocol):
    """Told what is being measured, the how manieth it is, and how many there are."""

    def __call__(self, what: str, number: int, total: int) -> None: ...


#: What is measured unless profiles are named.
PROFILES = ("high-volume", "balanced", "query-optimized")


class UnknownWorkloadError(EventLiteError):
    """A workload or curve that nobody offers."""


def run_matrix(profiles: Sequence[str], chosen: Sequence[str], scale: Scale, directory: Path, tell: Tell) -> Results:
    """Measure workloads and curves, all of them if none is chosen, in a directory that must exist.

    Raises `UnknownWorkloadError` before anything is measured, and whatever the stores raise.
    """
    with ExitStack() as stack:
        stages = open_stages(profiles, scale, directory, stack)
        wanted = choose(stages, chosen)
        results = Results(
            when=now(),
            events=scale.events,
            rounds=scale.rounds,
            surroundings=look_around(directory),
            contestants=[describe(stage) for stage in stages],
        )
        for number, name in enumerate(wanted):
            if name in CURVES:
                _draw(results, name, stages, partial(tell, number=number, total=len(wanted)))
            else:
                tell(name, number, len(wanted))
                _measure(results, name, stages)
    return results


def open_stages(profiles: Sequence[str], scale: Scale, directory: Path, stack: ExitStack) -> list[Stage]:
    """A stage for each profile; two profiles of one name are told apart by how they were given."""
    stages: list[Stage] = []
    for number, profile in enumerate(dict.fromkeys(profiles)):
        stage = stack.enter_context(Stage(profile, directory / f"profile-{number}", scale))
        if stage.label in {other.label for other in stages}:
            stage.label = f"{stage.label} ({profile})"
        stages.append(stage)
    return stages


def choose(stages: Sequence[Stage], chosen: Sequence[str]) -> list[str]:
    """The names of workloads and curves in their own order. Raises `UnknownWorkloadError`."""
    known = [*names(stages), *CURVES]
    for name in chosen:
        if name not in known:
            raise UnknownWorkloadError(f"there is no workload {name!r}", hint=f"There are {', '.join(known)}.")
    return [name for name in known if name in chosen or not chosen]


def describe(stage: Stage) -> Contestant:
    """A profile with what matters of its settings."""
    with stage.fresh() as kernel:
        return Contestant(
            name=stage.label,
            durability=kernel.storage.capabilities.durability,
            indexes=kernel.indexes.active(),
            cache=kernel.cache.stats().max_size,
            facts={name: value for name, value in kernel.storage.facts().items() if _is_setting(name, value)},
        )


def _is_setting(name: str, value: Any) -> bool:
    plain = value is None or isinstance(value, str | int | float)
    return plain and name != "path" and not name.endswith("_bytes")


def _measure(results: Results, name: str, stages: Sequence[Stage]) -> None:
    """One workload, the profiles by turns."""
    offered = [(stage, workloads_of(stage)) for stage in stages]
    running = {stage.label: (found[name], stage) for stage, found in offered if name in found}
    outcome = interleave({label: workload.run(stage) for label, (workload, stage) in running.items()}, results.rounds)
    for label, rates in outcome.rates.items():
        results.figures.append(figure(name, label, running[label][0].unit, rates))
    for label, reason in outcome.left_out.items():
        results.left_out.append(LeftOutFigure(name, label, reason))
    for stage in stages:
        if stage.label not in running:
            results.left_out.append(LeftOutFigure(name, stage.label, "the profile names no extension that has it"))


def _draw(results: Results, name: str, stages: Sequence[Stage], tell: Callable[[str], None]) -> None:
    scale = Scale(max(10, results.events), results.rounds)
    results.curves.extend(CURVES[name](stages, scale, tell))
