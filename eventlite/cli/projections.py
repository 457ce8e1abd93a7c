"""`eventlite projections`: where they stand, building them anew, and checking them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.app import app_option, needed, open_app
from eventlite.cli.context import open_kernel, options_of
from eventlite.cli.errors import UNSOUND, NotFoundError
from eventlite.cli.output import print_json, print_line, progress, safe, several, stdout, table
from eventlite.cli.verbs import Verbs

if TYPE_CHECKING:
    from eventlite.kernel import Kernel
    from eventlite.sourcing.projections.report import ProjectionReport
    from eventlite.sourcing.projections.status import ProjectionStatus

_WHY = "the code of projections is yours, not in the store"


@click.group(cls=Verbs)
def projections() -> None:
    """See, check and rebuild what is made of the events.

    Example: eventlite projections list --db app.db
    """


@projections.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Show every projection: its position, how far it is behind, and what stopped it.

    Example: eventlite projections list --db app.db
    """
    with open_kernel(ctx) as kernel:
        found = kernel.projections.list()
    if options_of(ctx).json:
        print_json([asdict(each) for each in found])
    else:
        _show_all(found)


@projections.command()
@click.argument("name")
@app_option
@click.pass_context
def rebuild(ctx: click.Context, name: str, app: str | None) -> None:
    """Build the state of NAME anew beside the live one, compare the two and swap them, while appends go on.

    Example: eventlite projections rebuild orders --app shop:set_up --db app.db
    """
    with open_app(ctx, needed(ctx, app, _WHY)) as kernel, progress(f"rebuilding {name}") as tell:
        report = kernel.rebuild(_known(kernel, name), progress=tell)
    if options_of(ctx).json:
        print_json([_described(report)])
    else:
        _show(report)


@projections.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@app_option
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...], app: str | None) -> int:
    """Build the state of each NAME, or of all, anew beside the live one and compare; changes nothing.

    The exit code is 5 if one differs.

    Example: eventlite projections verify --app shop:set_up --db app.db
    """
    with open_app(ctx, needed(ctx, app, _WHY)) as kernel:
        reports = [_verified(kernel, _known(kernel, name)) for name in names or _comparable(kernel)]
    if options_of(ctx).json:
        print_json([_described(report) for report in reports])
    else:
        for report in reports:
            _show(report)
    return 0 if all(report.equal for report in reports) else UNSOUND


@projections.command()
@click.argument("name")
@click.pass_context
def pause(ctx: click.Context, name: str) -> None:
    """Stop NAME and its reactions, in every process; an inline projection goes on.

    Example: eventlite projections pause orders --db app.db
    """
    with _stored(ctx, name) as kernel:
        _tell(ctx, kernel.projections.pause(name), "paused")


@projections.command()
@click.argument("name")
@click.pass_context
def resume(ctx: click.Context, name: str) -> None:
    """Let NAME and its reactions go on, with the event that stopped it.

    Example: eventlite projections resume orders --db app.db
    """
    with _stored(ctx, name) as kernel:
        _tell(ctx, kernel.projections.resume(name), "resumed")


@projections.command()
@click.argument("name")
@click.pass_context
def delete(ctx: click.Context, name: str) -> None:
    """Forget NAME: its state, its place and that of its reactions; the events stay.

    End the programs that project it first: they would begin it anew.

    Example: eventlite projections delete orders --db app.db
    """
    with _stored(ctx, name) as kernel:
        before = kernel.projections.get(name)
        kernel.delete_projection(name)
    _tell(ctx, before, "deleted")


@contextmanager
def _stored(ctx: click.Context, name: str) -> Iterator[Kernel]:
    """A kernel whose store has a projection of that name; raises `NotFoundError`."""
    with open_kernel(ctx) as kernel:
        if name not in [each.name for each in kernel.projections.list()]:
            raise NotFoundError(f"there is no projection {name!r}", hint="`eventlite projections list` shows them.")
        yield kernel


def _tell(ctx: click.Context, changed: ProjectionStatus, done: str) -> None:
    if options_of(ctx).json:
        print_json(asdict(changed))
    else:
        print_line(safe(f"{done} {changed.name} at {changed.position:,}, {several(changed.lag, 'event')} behind"))


def _show_all(found: Sequence[ProjectionStatus]) -> None:
    headings = ("projection", "mode", "kept in", "position", "behind", "state", "error")
    shown = table(*headings, numbers=("position", "behind"))
    for each in found:
        numbers = (f"{each.position:,}", f"{each.lag:,}")
        shown.add_row(safe(each.name), each.mode, each.kind, *numbers, each.state, safe(each.error or "-"))
    stdout().print(shown)


def _known(kernel: Kernel, name: str) -> str:
    known = kernel.sourcing.projections.names()
    if name not in known:
        raise NotFoundError(f"--app adds no projection {name!r}", hint=f"It adds {', '.join(known) or 'none at all'}.")
    return name


def _comparable(kernel: Kernel) -> list[str]:
    """Those whose state is in the store; objects outside of it cannot be compared."""
    found = kernel.sourcing.projections
    return [name for name in found.names() if found.handle(name).model is not None]


def _verified(kernel: Kernel, name: str) -> ProjectionReport:
    with progress(f"verifying {name}") as tell:
        return kernel.verify_projection(name, progress=tell)


def _described(report: ProjectionReport) -> dict[str, Any]:
    return {
        "name": report.name,
        "equal": report.equal,
        "swapped": report.swapped,
        "events": report.events,
        "position": report.position,
        "live": report.live._asdict(),
        "rebuilt": report.rebuilt._asdict(),
        "differing": report.differing,
        "differences": [each._asdict() for each in report.differences],
    }


def _show(report: ProjectionReport) -> None:
    verdict = "equal" if report.equal else f"{several(report.differing, 'row')} differ"
    replayed = f"{several(report.events, 'event')} replayed, compared at position {report.position:,}"
    swapped = ", swapped" if report.swapped else ""
    print_line(safe(f"{report.name}: {verdict} ({several(report.rebuilt.rows, 'row')}, {replayed}{swapped})"))
    for each in report.differences:
        print_line(safe(f"  {each.where}: live {each.live!r}, rebuilt {each.rebuilt!r}"))
    if report.differing > len(report.differences):
        print_line(f"  and {report.differing - len(report.differences):,} more")
