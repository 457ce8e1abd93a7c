"""`python -m benchmarks.memory`: how much memory long work takes, at 100,000 and at 1,000,000 events.

Each measurement is a process of its own: it does the work on a small store, looks at its peak, does the work on the
real one, and looks again.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets, tell, workplace
from eventlite import Kernel
from eventlite.bench.events import made_up_events
from eventlite.bench.results import now
from eventlite.bench.surroundings import Surroundings, look_around

_MIB = 2**20

#: The most that work may take, in MiB.
AT_MOST = 64

#: The most that it may take more of at the last size than at the first, in MiB: "flat".
FLAT = 8

#: Events of the small store.
_WARM = 1_000


@dataclass(frozen=True)
class Memory:
    """How much the peak of a process grew, in MiB, by events."""

    work: str
    growth: dict[int, float]

    @property
    def met(self) -> bool:
        """Whether it stays below the target and is flat."""
        grown = [self.growth[size] for size in sorted(self.growth)]
        return max(grown) < AT_MOST and grown[-1] - grown[0] <= FLAT


@dataclass(frozen=True)
class MemoryResults:
    """One run."""

    when: str
    surroundings: Surroundings
    profile: str
    memory: list[Memory] = field(default_factory=list)


@click.command("memory")
@click.option("--profile", default="balanced", show_default=True)
@click.option("--events", type=click.IntRange(min=1), multiple=True, default=[100_000, 1_000_000], show_default=True)
@shared
def main(profile: str, events: tuple[int, ...], quick: bool, json: Path | None, keep: bool, directory: Path) -> None:
    """Measure the growth of memory of stream, export, import and append_bulk."""
    sizes = (500,) if quick else events
    with workplace(directory) as place:
        results = MemoryResults(now(), look_around(place), profile)
        results.memory.extend(measure(profile, sizes, place))
    for one in results.memory:
        grown = "".join(f"{growth:>8.1f} MiB at {size:,}" for size, growth in one.growth.items())
        verdict = "met" if one.met else "NOT MET"
        click.echo(f"{one.work:14}{grown}   below {AT_MOST} MiB and flat: {verdict}")
    for path in targets("memory", json, keep):
        told = [
            {"work": one.work, "growth": {str(size): mib for size, mib in one.growth.items()}} for one in results.memory
        ]
        write(path, MemoryResults(results.when, results.surroundings, results.profile), memory=told)


def measure(profile: str, sizes: Sequence[int], place: Path) -> Iterator[Memory]:
    """All kinds of work, in an order in which each finds what it needs."""
    grown: dict[str, dict[int, float]] = {work: {} for work in WORKS}
    for size in sizes:
        here = place / f"{size}"
        here.mkdir()
        for work in WORKS:
            tell(f"{work}, {size:,} events")
            grown[work][size] = _in_a_process(work, profile, size, here)
    yield from (Memory(work, growth) for work, growth in grown.items())


def _in_a_process(work: str, profile: str, size: int, here: Path) -> float:
    arguments = [sys.executable, "-m", "benchmarks.memory", "--one", work, profile, str(size), str(here)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{work} failed:\n{done.stderr}")
    return float(done.stdout)


# --- in the process that is measured


def append_bulk(kernel: Kernel, _file: Path, size: int) -> None:
    """From a generator: nobody holds all events."""
    kernel.append_bulk(islice(made_up_events(), size))


def stream(kernel: Kernel, _file: Path, _size: int) -> None:
    """Every payload decoded."""
    for events in kernel.stream():
        assert all(event.data for event in events)


def export_file(kernel: Kernel, file: Path, _size: int) -> None:
    """As JSONL."""
    kernel.export_file(file, force=True)


def import_file(kernel: Kernel, file: Path, _size: int) -> None:
    """What was exported."""
    kernel.import_file(file, append=True)


#: What is measured, in an order in which each finds what it needs, and the store that it works on.
WORKS: Mapping[str, tuple[Callable[[Kernel, Path, int], None], str]] = {
    "append_bulk": (append_bulk, "store"),
    "stream": (stream, "store"),
    "export": (export_file, "store"),
    "import": (import_file, "copy"),
}


def measure_here(name: str, profile: str, size: int, here: Path) -> float:
    """Do the work on a small store, so that everything is loaded, and then on the real one; the growth in MiB."""
    work, store = WORKS[name]
    with Kernel.from_profile(profile, storage={"path": str(here / "small")}) as small:
        append_bulk(small, here, _WARM)
        work(small, here / "small.jsonl", _WARM)
    before = peak()
    with Kernel.from_profile(profile, storage={"path": str(here / store)}) as kernel:
        work(kernel, here / "all.jsonl", size)
    return (peak() - before) / _MIB


def peak() -> int:
    """The most bytes of memory that this process had at once."""
    status = Path("/proc/self/status")
    if status.exists():  # the other way a process on Linux begins with the peak of its parent
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(measure_here(sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])))
    else:
        main()
