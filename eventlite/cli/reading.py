"""`get`, `log` and `tail`: events out of the store and onto the screen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

import click

from eventlite.cli.context import limit_option, open_kernel, options_of
from eventlite.cli.errors import NotFoundError
from eventlite.cli.events import event_json, event_lines, event_sheet
from eventlite.cli.filters import query_options
from eventlite.cli.output import print_json, print_line, to_json
from eventlite.event import Event
from eventlite.query import Query

if TYPE_CHECKING:
    from eventlite.kernel import Kernel

# Events that are read and written at once.
_BATCH = 1000

# Seconds of one wait for new events; only how often the loop turns.
_PATIENCE = 10.0


@click.command("get")
@click.argument("id", type=click.IntRange(min=1))
@click.pass_context
def get(ctx: click.Context, id: int) -> None:
    """Show one event with all its fields.

    Example: eventlite get 42
    """
    with open_kernel(ctx) as kernel:
        event = known_event(kernel, id)
        if options_of(ctx).json:
            print_json(event_json(event))
        else:
            print_line("\n".join(event_sheet(event)))


@click.command("log")
@query_options
@limit_option(20, "How many, the newest.")
@click.option("--all", "everything", is_flag=True, help="All of them, however many.")
@click.option("--reverse", is_flag=True, help="The newest first.")
@click.option("--after", type=click.IntRange(min=0), default=0, metavar="ID", help="Only after this id.")
@click.option("--before", type=click.IntRange(min=1), metavar="ID", help="Only before this id.")
@click.pass_context
def log(
    ctx: click.Context, query: Query, limit: int, everything: bool, reverse: bool, after: int, before: int | None
) -> None:
    """List events, the newest last.

    Example: eventlite log --cmd orderPlaced --since 2026-01-01 --where item=tea
    """
    with open_kernel(ctx) as kernel:
        if everything:
            events = iter(kernel.read(query, after=after, before=before, backwards=reverse))
        else:
            newest = list(kernel.read(query, after=after, before=before, limit=limit, backwards=True))
            events = iter(newest if reverse else newest[::-1])
        write = _write_array if options_of(ctx).json else _write_lines
        write(_batches(events))


@click.command("tail")
@query_options
@limit_option(10, "How many at first.", least=0)
@click.option("-f", "--follow", is_flag=True, help="Wait for more, until interrupted.")
@click.pass_context
def tail(ctx: click.Context, query: Query, limit: int, follow: bool) -> None:
    """Show the last events, and with -f every new one as it comes. With --json, one JSON object a line.

    Example: eventlite tail -f --cmd orderPlaced
    """
    write = _write_json_lines if options_of(ctx).json else _write_lines
    with open_kernel(ctx) as kernel:
        head = kernel.head()
        if limit:
            last = list(kernel.read(query, before=head + 1, limit=limit, backwards=True))
            write([last[::-1]])
        if follow:
            write(_new_events(kernel, query, head))


def known_event(kernel: Kernel, id: int) -> Event:
    """The event of that id; raises `NotFoundError`."""
    event = kernel.get(id)
    if event is None:
        raise NotFoundError(f"there is no event {id}", hint=f"The last event is {kernel.head()}.")
    return event


def _new_events(kernel: Kernel, query: Query, position: int) -> Iterator[list[Event]]:
    """Batches of matching events after that position, for ever."""
    while True:
        head = kernel.storage.wait(position, _PATIENCE)
        if head > position:
            yield from _batches(iter(kernel.read(query, after=position, before=head + 1)))
            position = head


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := list(islice(events, _BATCH)):
        yield batch


def _write_lines(batches: Iterable[list[Event]]) -> None:
    for batch in batches:
        if batch:
            print_line("\n".join(event_lines(batch)))


def _write_json_lines(batches: Iterable[list[Event]]) -> None:
    for batch in batches:
        click.echo(b"".join(to_json(event_json(event)) + b"\n" for event in batch), nl=False)


def _write_array(batches: Iterable[list[Event]]) -> None:
    """One JSON document, an event a line, written as it is read."""
    separator = b"[\n"
    for batch in batches:
        click.echo(separator + b",\n".join(to_json(event_json(event)) for event in batch), nl=False)
        separator = b",\n"
    click.echo(b"[]" if separator == b"[\n" else b"\n]")
