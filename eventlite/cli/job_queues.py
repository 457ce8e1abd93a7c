"""`eventlite jobs pause`, `resume` and `limit`: how many jobs of a queue may run."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click

from eventlite.cli.context import options_of
from eventlite.cli.job_access import open_dispatcher
from eventlite.cli.job_views import show_queues
from eventlite.cli.output import print_json
from eventlite.contracts import JobDispatcher


@click.command()
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@click.pass_context
def pause(ctx: click.Context, queues: tuple[str, ...]) -> None:
    """Begin no more jobs of a queue, in any process, until it is resumed.

    Example: eventlite jobs pause mail
    """
    _change(ctx, queues, lambda dispatcher, queue: dispatcher.pause(queue))


@click.command()
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@click.pass_context
def resume(ctx: click.Context, queues: tuple[str, ...]) -> None:
    """Go on with a queue that was paused.

    Example: eventlite jobs resume mail
    """
    _change(ctx, queues, lambda dispatcher, queue: dispatcher.resume(queue))


@click.command()
@click.argument("queue")
@click.argument("most", type=click.IntRange(min=1), metavar="[N]", required=False)
@click.option("--none", "unlimited", is_flag=True, help="As many as there are workers.")
@click.pass_context
def limit(ctx: click.Context, queue: str, most: int | None, unlimited: bool) -> None:
    """Let N jobs of a queue run at once, over all processes; those that run already are finished.

    Example: eventlite jobs limit mail 2
    """
    if (most is None) != unlimited:
        raise click.UsageError("give a number of jobs, or --none", ctx)
    _change(ctx, (queue,), lambda dispatcher, queue: dispatcher.limit(queue, most))


def _change(ctx: click.Context, queues: Sequence[str], change: Callable[[JobDispatcher, str], None]) -> None:
    """Do it to each, and show them."""
    with open_dispatcher(ctx) as dispatcher:
        for queue in queues:
            change(dispatcher, queue)
        changed = [queue for queue in dispatcher.queues() if queue.name in queues]
    if options_of(ctx).json:
        print_json([queue._asdict() for queue in changed])
    else:
        show_queues(changed)
