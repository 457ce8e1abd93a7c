"""`eventlite subscriptions`: who follows the events under a name, how far they are, and what they could not handle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import open_kernel, options_of
from eventlite.cli.errors import NotFoundError
from eventlite.cli.output import note, print_json, print_line, safe, several, stdout, table
from eventlite.cli.verbs import Verbs
from eventlite.errors import ConflictError
from eventlite.event import to_iso

if TYPE_CHECKING:
    from eventlite.sourcing.subscriptions.dead_letters import DeadLetter
    from eventlite.sourcing.subscriptions.registry import Subscriptions, SubscriptionStatus

_IDS = click.IntRange(min=1)


@click.group(cls=Verbs)
def subscriptions() -> None:
    """See and change the subscriptions of a store that have a name.

    Example: eventlite subscriptions list --db app.db
    """


@subscriptions.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Show every subscription: its state, how far it is, who holds it, and what went wrong last.

    Example: eventlite subscriptions list --db app.db
    """
    with open_kernel(ctx) as kernel:
        found = kernel.subscriptions.list()
    if options_of(ctx).json:
        print_json([asdict(each) for each in found])
    elif found:
        _show(found)
    else:
        note("No subscription has run here under a name.")


@subscriptions.command()
@click.argument("name")
@click.pass_context
def pause(ctx: click.Context, name: str) -> None:
    """Stop NAME, in whatever process it runs, until it is resumed.

    Example: eventlite subscriptions pause mailer
    """
    with _known(ctx, name) as known:
        _tell(ctx, known.pause(name), "paused")


@subscriptions.command()
@click.argument("name")
@click.pass_context
def resume(ctx: click.Context, name: str) -> None:
    """Let NAME go on where it was paused; its error is forgotten.

    Example: eventlite subscriptions resume mailer
    """
    with _known(ctx, name) as known:
        _tell(ctx, known.resume(name), "resumed")


@subscriptions.command()
@click.argument("name")
@click.option("--to", "position", type=click.IntRange(min=0), default=0, metavar="ID", help="After this id; else all.")
@click.pass_context
def reset(ctx: click.Context, name: str, position: int) -> None:
    """Let NAME begin again: at the first event, or after an id. It may be running.

    Example: eventlite subscriptions reset mailer --to 1200
    """
    with _known(ctx, name) as known:
        _tell(ctx, known.reset(name, position), "reset")


@subscriptions.command()
@click.argument("name")
@click.option("--retry", type=_IDS, multiple=True, metavar="ID", help="Have this event handled again; may be repeated.")
@click.option("--retry-all", is_flag=True, help="Have all of them handled again.")
@click.option("--drop", type=_IDS, multiple=True, metavar="ID", help="Forget this one; may be repeated.")
@click.option("--drop-all", is_flag=True, help="Forget all of them.")
@click.pass_context
def dead(
    ctx: click.Context, name: str, retry: tuple[int, ...], retry_all: bool, drop: tuple[int, ...], drop_all: bool
) -> None:
    """Show the events that NAME left out because its handler raised; have them handled again, or forget them.

    They are handled again by whoever runs the subscription, now or later.

    Example: eventlite subscriptions dead mailer --retry 42
    """
    if bool(retry or retry_all) and bool(drop or drop_all):
        raise click.UsageError("an event is handled again or forgotten, not both", ctx)
    with _known(ctx, name) as known:
        if retry or retry_all:
            done, found = "will be handled again", known.retry(name, None if retry_all else retry)
        elif drop or drop_all:
            done, found = "forgotten", known.drop(name, None if drop_all else drop)
        else:
            done, found = "", known.dead_letters(name)
    missing = sorted({*retry, *drop} - {letter.event_id for letter in found})
    if missing and not (retry_all or drop_all):
        raise NotFoundError(f"event {missing[0]} is no dead letter of {name!r}", hint="The others are done.")
    _write_letters(ctx, found, done)


@subscriptions.command()
@click.argument("name")
@click.option("--force", is_flag=True, help="Also when there are events that it left out: they are forgotten with it.")
@click.pass_context
def delete(ctx: click.Context, name: str, force: bool) -> None:
    """Forget NAME and its place; the events stay. Stop it first: whoever runs it would begin at the first event.

    Example: eventlite subscriptions delete mailer
    """
    with _known(ctx, name) as known:
        letters = known.get(name).dead_letters
        if letters and not force:
            raise ConflictError(
                f"subscription {name!r} left out {several(letters, 'event')}, which would be forgotten with it",
                hint="`eventlite subscriptions dead` shows them; --force deletes all the same.",
            )
        _tell(ctx, known.delete(name, force=force), "deleted")


@contextmanager
def _known(ctx: click.Context, name: str) -> Iterator[Subscriptions]:
    """The subscriptions of the store; raises `NotFoundError` unless one has that name."""
    with open_kernel(ctx) as kernel:
        names = [each.name for each in kernel.subscriptions.list()]
        if name not in names:
            hint = f"There are: {', '.join(names)}." if names else "A subscription is there once it has run."
            raise NotFoundError(f"there is no subscription {name!r}", hint=hint)
        yield kernel.subscriptions


def _show(found: Sequence[SubscriptionStatus]) -> None:
    headings = ("subscription", "state", "position", "lag", "dead", "holder", "last error")
    shown = table(*headings, numbers=("position", "lag", "dead"))
    for each in found:
        numbers = (f"{each.position:,}", f"{each.lag:,}", f"{each.dead_letters:,}")
        shown.add_row(safe(each.name), each.state, *numbers, safe(each.holder or "-"), safe(_error(each)))
    stdout().print(shown)


def _error(each: SubscriptionStatus) -> str:
    return f"{each.error} (event {each.error_position})" if each.error else "-"


def _tell(ctx: click.Context, changed: SubscriptionStatus, done: str) -> None:
    if options_of(ctx).json:
        print_json(asdict(changed))
    else:
        print_line(safe(f"{done} {changed.name} at {changed.position:,}, {several(changed.lag, 'event')} behind"))


def _write_letters(ctx: click.Context, found: Sequence[DeadLetter], done: str) -> None:
    if options_of(ctx).json:
        print_json([_letter_json(letter) for letter in found])
    elif done:
        print_line(f"{several(len(found), 'event')} {done}")
    elif found:
        _show_letters(found)
    else:
        note("No event was left out.")


def _letter_json(letter: DeadLetter) -> dict[str, Any]:
    return {**asdict(letter), "failed": to_iso(letter.failed)}


def _show_letters(found: Sequence[DeadLetter]) -> None:
    shown = table("event", "failed", "attempts", "retry", "error", numbers=("event", "attempts"))
    for letter in found:
        retry = "yes" if letter.retrying else "-"
        shown.add_row(str(letter.event_id), to_iso(letter.failed), str(letter.attempts), retry, safe(letter.error))
    stdout().print(shown)
