"""`python -m benchmarks.jobs`: putting jobs in and running them, with many finished ones in the table and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import click

from benchmarks.keeping import write
from benchmarks.options import shared, targets, workplace
from eventlite import Kernel
from eventlite.bench.jobs import EmptyJobs
from eventlite.bench.results import now
from eventlite.bench.rounds import Rounds, interleave, timed
from eventlite.bench.surroundings import look_around

#: The section `[storage]` of a new store.
Stores: TypeAlias = Callable[[], dict[str, Any]]

#: Jobs that run at once.
_AT_ONCE = (1, 8, 32)

#: Never prunes what the benchmark puts there.
_KEEP_ALL = {"history": 100_000_000}

_COLUMNS = (
    "queue, name, state, priority, due, rank, data, attempts, max_attempts, enqueued, started, finished, fence, result"
)
_VALUES = "'default', 'empty', 'done', 0, {0}, {0}, '{{\"n\":1}}', 1, 1, {0}, {0}, {0}, 1, '{{\"result\":null}}'"

#: Finished jobs, a microsecond apart, by SQL dialect: so many of them, from a moment on.
_FINISHED = {
    "sqlite": "INSERT INTO job ({columns})"
    " WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {jobs}) SELECT {values} FROM n",
    "postgresql": 'INSERT INTO "{schema}".job ({columns}) SELECT {values} FROM generate_series(1, {jobs}) AS n (i)',
}


@click.command("jobs")
@click.option("--finished", type=click.IntRange(min=1), default=1_000_000, show_default=True, help="Finished jobs.")
@click.option("--rounds", type=click.IntRange(min=1), default=7, show_default=True)
@click.option("--profile", default="high-volume", show_default=True, help="For the file; a server has its own.")
@click.option("--storage", type=click.Choice(["sqlite", "postgres"]), default="sqlite", show_default=True)
@shared
def main(
    finished: int, rounds: int, profile: str, storage: str, quick: bool, json: Path | None, keep: bool, directory: Path
) -> None:
    """Put jobs in, and run empty ones, on both tables; print the rates and their ratio."""
    finished, rounds, jobs, at_once = (1_000, 1, 40, (8,)) if quick else (finished, rounds, 4_000, _AT_ONCE)
    with workplace(directory) as place, ExitStack() as stack:
        profile, stores = _server(stack) if storage == "postgres" else (profile, _files(place))
        contestants = dict(_contestants(stores, profile, finished, jobs, at_once))
        surroundings = look_around(place)
        rates = {name: sorted(found)[len(found) // 2] for name, found in interleave(contestants, rounds).rates.items()}
    _tell(rates)
    for path in targets("jobs", json, keep):
        found = {"when": now(), "surroundings": surroundings, "profile": profile, "storage": storage, "rates": rates}
        write(path, found)


def _files(place: Path) -> Stores:
    numbers = count(1)
    return lambda: {"path": str(place / f"{next(numbers)}.db")}


def _server(stack: ExitStack) -> tuple[str, Stores]:
    """A PostgreSQL server for as long as the stack is open, with a schema for each store."""
    from eventlite_postgres.testing import running_server

    server, numbers = stack.enter_context(running_server()), count(1)
    return "postgres", lambda: {"dsn": server.dsn(), "schema": f"jobs_{next(numbers)}"}


def _contestants(
    stores: Stores, profile: str, finished: int, jobs: int, concurrencies: Sequence[int]
) -> Iterator[tuple[str, Rounds]]:
    for size in (0, finished):
        yield f"put in, {size:,} finished", _enqueue(stores(), profile, size, jobs // 4)
        for at_once in concurrencies:
            yield f"{at_once} at once, {size:,} finished", _run(stores(), profile, size, at_once, jobs)


def _tell(rates: Mapping[str, float]) -> None:
    for name, rate in rates.items():
        click.echo(f"{name:40}{rate:12,.0f} jobs/s")
    for name, rate in rates.items():
        what, _, size = name.partition(", ")
        if size != "0 finished":
            click.echo(f"{what}: {rate / rates[f'{what}, 0 finished']:.2f} of the rate without")


def _enqueue(storage: dict[str, Any], profile: str, finished: int, jobs: int) -> Rounds:
    """One transaction for each."""
    with _prepared(storage, profile, finished) as kernel:
        while True:
            yield timed(_enqueue_each, kernel, jobs)


def _enqueue_each(kernel: Kernel, jobs: int) -> int:
    for n in range(jobs):
        kernel.jobs.enqueue("later", {"n": n}, delay=86_400)
    return jobs


def _run(storage: dict[str, Any], profile: str, finished: int, at_once: int, jobs: int) -> Rounds:
    with _prepared(storage, profile, finished) as kernel:
        empty = EmptyJobs(kernel)
        while True:
            empty.enqueue(jobs)
            yield timed(partial(empty.run, jobs, at_once))


def _prepared(storage: dict[str, Any], profile: str, finished: int) -> Kernel:
    """A kernel over a new store with so many finished jobs, whose log is as short as ever."""
    with Kernel.from_profile(profile, storage=storage, jobs=_KEEP_ALL) as kernel:
        kernel.jobs.cancel(kernel.jobs.enqueue("empty"))
        if finished:
            _fill(kernel, finished)
    return Kernel.from_profile(profile, storage=storage, jobs=_KEEP_ALL)


def _fill(kernel: Kernel, finished: int) -> None:
    can = kernel.storage.capabilities
    values = _VALUES.format(f"{kernel.clock() - finished} + i")
    text = _FINISHED[str(can.sql)].format(columns=_COLUMNS, values=values, jobs=finished, schema=can.sql_schema)
    with kernel.transaction() as transaction:
        transaction.connection.execute(text)


if __name__ == "__main__":
    main()
