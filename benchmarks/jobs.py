"""`python -m benchmarks.jobs`: running jobs with many finished ones in the table, by turns with a table without."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets, workplace
from eventlite import Kernel
from eventlite.bench.jobs import EmptyJobs
from eventlite.bench.results import now
from eventlite.bench.rounds import Rounds, interleave, timed
from eventlite.bench.surroundings import look_around

#: Jobs that run at once.
_AT_ONCE = (1, 8, 32)

#: Never prunes what the benchmark puts there.
_KEEP_ALL = {"history": 100_000_000}

_FINISHED = """
INSERT INTO job (queue, name, state, priority, due, rank, data, attempts, max_attempts, enqueued, started, finished,
                 fence, result)
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
SELECT 'default', 'empty', 'done', 0, ? + i, ? + i, '{"n":1}', 1, 1, ? + i, ? + i, ? + i, 1, '{"result":null}' FROM n
"""


@click.command("jobs")
@click.option("--finished", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Finished jobs.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True)
@click.option("--profile", default="high-volume", show_default=True)
@shared
def main(finished: int, rounds: int, profile: str, quick: bool, json: Path | None, keep: bool, directory: Path) -> None:
    """Run empty jobs on both tables, and print the rates and their ratio."""
    finished, rounds, jobs = (1_000, 1, 100) if quick else (finished, rounds, 4_000)
    with workplace(directory) as place:
        contestants: Mapping[str, Rounds] = {
            f"{at_once} at once, {size:,} finished": _run(place / f"{at_once}-{size}", profile, size, at_once, jobs)
            for at_once in _AT_ONCE
            for size in (0, finished)
        }
        surroundings = look_around(place)
        rates = {name: sorted(found)[len(found) // 2] for name, found in interleave(contestants, rounds).rates.items()}
    for name, rate in rates.items():
        click.echo(f"{name:40}{rate:12,.0f} jobs/s")
    for at_once in _AT_ONCE:
        ratio = rates[f"{at_once} at once, {finished:,} finished"] / rates[f"{at_once} at once, 0 finished"]
        click.echo(f"{at_once} at once: {ratio:.2f} of the rate without")
    for path in targets("jobs", json, keep):
        write(path, {"when": now(), "surroundings": surroundings, "profile": profile, "rates": rates})


def _run(place: Path, profile: str, finished: int, at_once: int, jobs: int) -> Rounds:
    place.mkdir()
    sections = {"storage": {"path": str(place / "store")}, "jobs": _KEEP_ALL}
    with Kernel.from_profile(profile, **sections) as kernel:
        kernel.jobs.cancel(kernel.jobs.enqueue("empty"))
        with kernel.transaction() as transaction:
            transaction.connection.execute(_FINISHED, (finished, *[kernel.clock() - finished] * 5))
    with Kernel.from_profile(profile, **sections) as kernel:  # whose log is as short as ever
        empty = EmptyJobs(kernel)
        while True:
            empty.enqueue(jobs)
            yield timed(partial(empty.run, jobs, at_once))


if __name__ == "__main__":
    main()
