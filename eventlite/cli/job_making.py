"""`eventlite jobs enqueue` and `unschedule`: a job put in by hand, and a recurring one that comes no more."""

from __future__ import annotations

import datetime as dt

import click

from eventlite.cli.append import json_data
from eventlite.cli.context import options_of
from eventlite.cli.errors import NotFoundError
from eventlite.cli.filters import moment
from eventlite.cli.job_access import known_job, open_dispatcher
from eventlite.cli.job_views import job_json
from eventlite.cli.output import print_json, print_line, safe
from eventlite.contracts.jobs import DEFAULT_QUEUE


def _text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The text of `--unique`: an option in its place was meant as one."""
    if value is not None and value.startswith("--"):
        raise click.BadParameter(f"it needs a text before {value}; --unique-data compares the data", ctx, param)
    return value


@click.command()
@click.argument("job")
@click.argument("data", nargs=-1, metavar="[JSON | - | NAME=VALUE...]")
@click.option("--delay", type=click.FloatRange(min=0), default=0.0, metavar="SECONDS", help="Not before that.")
@click.option("--at", "run_at", type=moment, metavar="TIME", help="Not before this ISO time; UTC unless it says.")
@click.option("--priority", type=int, default=0, show_default=True, help="A higher one runs first.")
@click.option("--queue", default=DEFAULT_QUEUE, show_default=True, help="Which queue it waits in.")
@click.option(
    "--unique", metavar="TEXT", callback=_text, help="Not if an unfinished job of this name has the same text."
)
@click.option("--unique-data", is_flag=True, help="Not if an unfinished job of this name has the same data.")
@click.pass_context
def enqueue(
    ctx: click.Context,
    job: str,
    data: tuple[str, ...],
    delay: float,
    run_at: dt.datetime | None,
    priority: int,
    queue: str,
    unique: str | None,
    unique_data: bool,
) -> None:
    """Put a job in its queue, and print its id; with --unique that of the one that is there already.

    The data is a JSON object, - to read one from stdin, or NAME=VALUE pairs. The job runs where a worker of that name
    is at work.

    Example: eventlite jobs enqueue sendEmail to=ada@example.com --delay 60
    """
    if unique is not None and unique_data:
        raise click.UsageError("give --unique or --unique-data, not both", ctx)
    sameness = unique_data if unique is None else unique
    payload = json_data(data)
    with open_dispatcher(ctx, create=True) as dispatcher:
        id = dispatcher.enqueue(
            job, payload, delay=delay, run_at=run_at, priority=priority, queue=queue, unique=sameness
        )
        found = known_job(dispatcher, id)
    if options_of(ctx).json:
        print_json(job_json(found))
    else:
        print_line(id)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_context
def unschedule(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Forget recurring jobs; `eventlite jobs stats` lists them.

    A program that registers one makes it anew when it starts.

    Example: eventlite jobs unschedule nightly
    """
    with open_dispatcher(ctx) as dispatcher:
        there = {schedule.name for schedule in dispatcher.schedules()}
        for name in names:
            if name not in there:
                raise NotFoundError(f"there is no recurring job {name!r}", hint="`eventlite jobs stats` lists them.")
        forgotten = [name for name in names if dispatcher.unschedule(name)]
    if options_of(ctx).json:
        print_json({"forgotten": forgotten})
    else:
        for name in forgotten:
            print_line(safe(f"{name}: comes no more"))
