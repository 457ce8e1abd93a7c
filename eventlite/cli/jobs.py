"""`eventlite jobs`: running background jobs, and looking after them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from eventlite.cli.context import limit_option, open_kernel, options_of
from eventlite.cli.job_access import known_job, open_dispatcher
from eventlite.cli.job_making import enqueue, unschedule
from eventlite.cli.job_queues import limit, pause, resume
from eventlite.cli.job_views import (
    job_json,
    schedule_json,
    show_capabilities,
    show_counts,
    show_job,
    show_jobs,
    show_queues,
    show_schedules,
    show_statistics,
    statistics_json,
)
from eventlite.cli.job_working import run, work
from eventlite.cli.output import note, print_json, print_line, safe, several
from eventlite.cli.verbs import Verbs
from eventlite.contracts.jobs import JOB_STATES
from eventlite.errors import ConflictError

if TYPE_CHECKING:
    from eventlite.contracts import JobDispatcher, JobInfo

_STATE = click.Choice(JOB_STATES)

_name_option = click.option("--name", metavar="JOB", help="Only jobs of this name.")
_queue_option = click.option("--queue", metavar="QUEUE", help="Only those of this queue.")
_limit_option = limit_option(20, "How many, the newest.")


@click.group(cls=Verbs)
def jobs() -> None:
    """Run background jobs, and look after those in a store.

    Example: eventlite jobs work --app shop:set_up --db app.db
    """


for command in (work, run, enqueue, unschedule, pause, resume, limit):
    jobs.add_command(command)


@jobs.command("list")
@click.option("--state", type=_STATE, help="Only jobs in this state.")
@_name_option
@_queue_option
@_limit_option
@click.pass_context
def list_(ctx: click.Context, state: str | None, name: str | None, queue: str | None, limit: int) -> None:
    """List jobs, the newest first.

    Example: eventlite jobs list --state pending --queue mail
    """
    _list(ctx, state, name, queue, limit)


@jobs.command()
@_name_option
@_queue_option
@_limit_option
@click.pass_context
def dead(ctx: click.Context, name: str | None, queue: str | None, limit: int) -> None:
    """List the jobs that are out of attempts, with their last error; `show` has the earlier ones.

    Example: eventlite jobs dead --name sendEmail
    """
    _list(ctx, "dead", name, queue, limit)


@jobs.command()
@click.argument("id")
@click.pass_context
def show(ctx: click.Context, id: str) -> None:
    """Show one job with all its fields, its progress and its failed attempts.

    Example: eventlite jobs show 42
    """
    with open_dispatcher(ctx) as dispatcher:
        found = known_job(dispatcher, id)
    if options_of(ctx).json:
        print_json(job_json(found))
    else:
        show_job(found)


@jobs.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--dead", "all_dead", is_flag=True, help="All dead jobs.")
@_name_option
@click.pass_context
def retry(ctx: click.Context, ids: tuple[str, ...], all_dead: bool, name: str | None) -> None:
    """Put dead or cancelled jobs back in their queue, with all their attempts before them.

    Example: eventlite jobs retry --dead --name sendEmail
    """
    if bool(ids) == all_dead:
        raise click.UsageError("give the ids of jobs, or --dead for all that are dead", ctx)
    if name is not None and not all_dead:
        raise click.UsageError("--name goes with --dead", ctx)
    with open_dispatcher(ctx) as dispatcher:
        if all_dead:
            changed = _retry_dead(dispatcher, name)
        else:
            changed = _each(dispatcher, ids, dispatcher.retry, "put back: only dead and cancelled jobs can be")
    _tell(ctx, changed, "will run again")


@jobs.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.pass_context
def cancel(ctx: click.Context, ids: tuple[str, ...]) -> None:
    """Take pending jobs out of their queue; ask those that run to stop.

    Example: eventlite jobs cancel 42 43
    """
    with open_dispatcher(ctx) as dispatcher:
        changed = _each(dispatcher, ids, dispatcher.cancel, "cancelled: it is over")
    _tell(ctx, changed, "cancelled, or asked to stop")


@jobs.command()
@click.option(
    "--window",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=3600.0,
    show_default=True,
    help="How far back to look.",
)
@click.pass_context
def stats(ctx: click.Context, window: float) -> None:
    """Count jobs by state, job and queue; show recurring ones, and how jobs fared lately.

    Example: eventlite jobs stats --window 600
    """
    with open_dispatcher(ctx) as dispatcher:
        can, counts = dispatcher.capabilities, dispatcher.stats()
        queues = dispatcher.queues() if can.queues else []
        schedules = dispatcher.schedules() if can.recurring else []
        statistics = dispatcher.statistics(window) if can.statistics else None
    if options_of(ctx).json:
        print_json(
            {
                "states": counts,
                "queues": [queue._asdict() for queue in queues],
                "recurring": [schedule_json(schedule) for schedule in schedules],
                "statistics": None if statistics is None else statistics_json(statistics),
            }
        )
        return
    show_counts(counts)
    if queues:
        show_queues(queues)
    if schedules:
        show_schedules(schedules)
    if statistics is not None:
        show_statistics(statistics)


@jobs.command()
@click.option(
    "--history", type=click.IntRange(min=0), metavar="N", help="How many finished jobs of each state to keep."
)
@click.option("--keep", type=click.FloatRange(min=0), metavar="SECONDS", help="For how long to keep them.")
@click.pass_context
def prune(ctx: click.Context, history: int | None, keep: float | None) -> None:
    """Forget finished jobs: those beyond what the profile keeps, or what is given here.

    Example: eventlite jobs prune --keep 86400
    """
    with open_dispatcher(ctx) as dispatcher:
        forgotten = dispatcher.prune(history=history, keep=keep)
    if options_of(ctx).json:
        print_json({"forgotten": forgotten})
    else:
        print_line(f"forgot {several(forgotten, 'job')}")


@jobs.command()
@click.pass_context
def capabilities(ctx: click.Context) -> None:
    """Show what the dispatcher of the profile can do, and what it cannot.

    Example: eventlite jobs capabilities --profile postgres
    """
    with open_kernel(ctx) as kernel:
        can = kernel.jobs.capabilities
    if options_of(ctx).json:
        print_json(asdict(can))
    else:
        show_capabilities(can)


def _list(ctx: click.Context, state: str | None, name: str | None, queue: str | None, limit: int) -> None:
    with open_dispatcher(ctx) as dispatcher:
        found = dispatcher.list(state=state, limit=limit, name=name, queue=queue)
    if options_of(ctx).json:
        print_json([job_json(job) for job in found])
    else:
        show_jobs(found)


def _each(dispatcher: JobDispatcher, ids: Sequence[str], change: Callable[[str], bool], what: str) -> list[JobInfo]:
    """The jobs after the change; raises for the first that cannot be changed, when the others before it are."""
    for job in [known_job(dispatcher, id) for id in ids]:
        if not change(job.id):
            now = known_job(dispatcher, job.id)
            raise ConflictError(f"job {job.id} is {now.state} and cannot be {what}", hint=_unique_hint(now))
    return [known_job(dispatcher, id) for id in ids]


def _unique_hint(job: JobInfo) -> str | None:
    if job.unique is None or job.state not in ("dead", "cancelled"):
        return None
    return "It is a unique job, and another one like it is unfinished."


def _retry_dead(dispatcher: JobDispatcher, name: str | None) -> list[JobInfo]:
    """All dead jobs that were put back; one whose unique twin is unfinished stays dead."""
    found = dispatcher.list(state="dead", name=name, limit=dispatcher.stats()["dead"] or 1)
    return [known_job(dispatcher, job.id) for job in found if dispatcher.retry(job.id)]


def _tell(ctx: click.Context, changed: Sequence[JobInfo], done: str) -> None:
    if options_of(ctx).json:
        print_json([job_json(job) for job in changed])
    elif changed:
        for job in changed:
            print_line(safe(f"job {job.id}, {job.name}: {done}"))
    else:
        note("Nothing to do: there is no such job.")
