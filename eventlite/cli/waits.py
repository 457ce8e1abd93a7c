"""`eventlite waits`: events that wait for others, and calling them off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventlite.cli.context import limit_option, open_kernel, options_of
from eventlite.cli.errors import NotFoundError
from eventlite.cli.output import note, print_json, print_line, safe, several, stdout, table
from eventlite.cli.verbs import Verbs
from eventlite.errors import ConflictError
from eventlite.sourcing.waits.wait import WAIT_STATES

if TYPE_CHECKING:
    from collections.abc import Callable

    from eventlite.kernel import Kernel
    from eventlite.sourcing.waits.condition import Part
    from eventlite.sourcing.waits.happened import Happened
    from eventlite.sourcing.waits.wait import Wait

_NUMBERS = click.IntRange(1)


@click.group(cls=Verbs)
def waits() -> None:
    """See the events that wait for others, and call them off.

    Example: eventlite waits list --db app.db
    """


@waits.command("list")
@click.option("--state", type=click.Choice(WAIT_STATES), help="Only waits in this state.")
@click.option("--correlation", metavar="ID", help="Only waits of this correlation.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="ID", help="Only waits with a larger number.")
@limit_option(100, "At most so many.", least=0)
@click.pass_context
def list_(ctx: click.Context, state: str | None, correlation: str | None, after: int, limit: int) -> None:
    """Show what is waited for: the waits that are open, or those of one state.

    Example: eventlite waits list --state expired --db app.db
    """
    with open_kernel(ctx) as kernel:
        found = kernel.waits.list(state=state, correlation_id=correlation, after=after, limit=limit)
    if options_of(ctx).json:
        print_json([wait.to_dict() for wait in found])
    elif found:
        _show(found)
    else:
        note("No wait is open." if state is None else f"No wait is {state}.")


@waits.command()
@click.argument("ids", nargs=-1, type=_NUMBERS, required=True, metavar="ID...")
@click.pass_context
def cancel(ctx: click.Context, ids: tuple[int, ...]) -> None:
    """Have these waits append nothing any more.

    Example: eventlite waits cancel 12 --db app.db
    """
    _change(ctx, ids, "cancelled", lambda kernel: kernel.waits.cancel)


@waits.command()
@click.argument("ids", nargs=-1, type=_NUMBERS, required=True, metavar="ID...")
@click.pass_context
def retry(ctx: click.Context, ids: tuple[int, ...]) -> None:
    """Have these waits, whose append was refused, append again at the next run.

    Example: eventlite waits retry 12 --db app.db
    """
    _change(ctx, ids, "retried", lambda kernel: kernel.waits.retry)


@waits.command()
@click.option(
    "--older-than", type=click.FloatRange(min=0), required=True, metavar="SECONDS", help="Closed so long ago."
)
@click.pass_context
def prune(ctx: click.Context, older_than: float) -> None:
    """Forget waits that were executed, expired or cancelled a while ago; their events stay.

    Example: eventlite waits prune --older-than 86400 --db app.db
    """
    with open_kernel(ctx) as kernel:
        forgotten = kernel.waits.prune(older_than=older_than)
    if options_of(ctx).json:
        print_json({"forgotten": forgotten})
    else:
        print_line(f"forgot {several(forgotten, 'wait')}")


def _change(
    ctx: click.Context, ids: tuple[int, ...], done: str, method: Callable[[Kernel], Callable[[int], bool]]
) -> None:
    """Change each of them, or say which one cannot be; those before it are changed."""
    with open_kernel(ctx) as kernel:
        for id in ids:
            if not method(kernel)(id):
                raise _refusal(kernel, id, done)
            if not options_of(ctx).json:
                print_line(f"{done} {id}")
        found = [wait.to_dict() for id in ids if (wait := kernel.waits.get(id))]
    if options_of(ctx).json:
        print_json(found)


def _refusal(kernel: Kernel, id: int, done: str) -> Exception:
    wait = kernel.waits.get(id)
    if wait is None:
        return NotFoundError(f"there is no wait {id}", hint="`eventlite waits list` shows those that are open.")
    return ConflictError(f"wait {id} is {wait.state}, so it cannot be {done}")


def _show(found: list[Wait]) -> None:
    shown = table("wait", "state", "appends", "when", "until", "error", numbers=("wait",))
    for wait in found:
        shown.add_row(*map(safe, _cells(wait)))
    stdout().print(shown)


def _cells(wait: Wait) -> tuple[str, ...]:
    when = "; ".join(
        _part(part, part.reached(seen)) for part, seen in zip(wait.condition.parts, wait.progress, strict=True)
    )
    until = "-" if wait.deadline is None else wait.deadline.isoformat(timespec="seconds")
    return str(wait.id), wait.state, wait.event.cmd, when, until, wait.error or "-"


def _part(part: Part, reached: int) -> str:
    what = ", ".join(map(_element, part.elements))
    kind = part.kind.replace("_", " ")
    return f"{kind} {what} ({reached} of {part.needed:,})"


def _element(element: Happened) -> str:
    """The commands that it names; the rest is in the JSON."""
    named = [" or ".join(plain.cmds or ("any event",)) for plain in element.query.alternatives]
    return " or ".join(dict.fromkeys(named))
