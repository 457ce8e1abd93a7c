"""`python -m benchmarks.imports`: how long a program waits for EventLite before its first line runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets
from eventlite.bench.results import now
from eventlite.bench.rounds import Measured, Rounds, Spread, interleave, spread, timed
from eventlite.bench.surroundings import Surroundings, look_around

LINE = "from eventlite import Kernel, Event, Query"

#: What that line must not import.
HEAVY = ("pydantic", "click", "rich", "dogpile", "sqlite_utils", "asyncio")

#: The most that it may take, in starts of a bare interpreter.
AT_MOST = 6

_BARE = "pass"


@dataclass(frozen=True)
class ImportResults:
    """Milliseconds of starting an interpreter and ending it: bare, and with EventLite imported."""

    when: str
    surroundings: Surroundings
    bare: Spread
    with_eventlite: Spread
    ratio: float
    heavy: list[str]


@click.command("imports")
@click.option("--rounds", type=click.IntRange(min=1), default=31, show_default=True)
@shared
def main(rounds: int, quick: bool, json: Path | None, keep: bool, directory: Path) -> None:
    """Start interpreters, bare and with EventLite by turns."""
    results = measure(2 if quick else rounds, directory)
    met = "met" if results.ratio < AT_MOST and not results.heavy else "NOT MET"
    click.echo(f"bare interpreter   {results.bare.median:8.1f} ms")
    click.echo(f"with EventLite     {results.with_eventlite.median:8.1f} ms")
    click.echo(f"ratio              {results.ratio:8.2f}     below {AT_MOST}, without {', '.join(HEAVY)}: {met}")
    for name in results.heavy:
        click.echo(f"it imports {name}")
    for path in targets("imports", json, keep):
        write(path, results)


def measure(rounds: int, directory: Path) -> ImportResults:
    """Starts of both kinds."""
    programs = {"bare": _BARE, "eventlite": LINE}
    rates = interleave({name: _starts(program) for name, program in programs.items()}, rounds).rates
    bare, loaded = (spread([1_000 / rate for rate in rates[name]]) for name in programs)
    return ImportResults(now(), look_around(directory), bare, loaded, loaded.median / bare.median, imported_heavily())


def imported_heavily() -> list[str]:
    """What the line imports although it must not."""
    program = f"import sys; {LINE}; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    return subprocess.run(_command(program), capture_output=True, text=True, check=True).stdout.split()


def _starts(program: str) -> Rounds:
    while True:
        yield _start(program)


def _start(program: str) -> Measured:
    return timed(lambda command: subprocess.run(command, check=True).returncode + 1, _command(program))


def _command(program: str) -> Sequence[str]:
    return [sys.executable, "-c", program]


if __name__ == "__main__":
    main()
