"""`verify`: is everything in the store what was written?"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from eventlite.cli.context import open_kernel, options_of
from eventlite.cli.errors import UNSOUND
from eventlite.cli.output import note, print_json, print_line, progress, safe, several

if TYPE_CHECKING:
    from eventlite.verification import VerificationReport


@click.command("verify")
@click.pass_context
def verify(ctx: click.Context) -> None:
    """Check checksums, causes, ids and the store itself; exit code 5 when something is wrong.

    The digest is equal for equal events, wherever they are kept.

    Example: eventlite verify --db app.db
    """
    with open_kernel(ctx) as kernel, progress("Verifying") as show:
        report = kernel.verify(progress=show)
    if options_of(ctx).json:
        print_json(asdict(report))
    else:
        _show(report)
    if report.problems:
        ctx.exit(UNSOUND)


def _show(report: VerificationReport) -> None:
    for problem in report.problems:
        print_line(f"{click.style('problem', fg='red')}  {safe(problem)}")
    if report.dangling:
        note(f"{several(report.dangling, 'event')} whose cause does not stand before, as an import may leave them.")
    found = several(len(report.problems), "problem") if report.problems else click.style("sound", fg="green")
    print_line(f"{several(report.events, 'event')}, {found}, digest {report.digest}")
