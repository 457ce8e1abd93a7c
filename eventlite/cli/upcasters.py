"""`upcasters check`: can every stored event be read as its newest version?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from eventlite.cli.app import app_option, open_app
from eventlite.cli.context import options_of
from eventlite.cli.errors import UNSOUND
from eventlite.cli.output import print_json, print_line, safe, several
from eventlite.cli.verbs import Verbs

if TYPE_CHECKING:
    from eventlite.sourcing.upcasting import Stranded


@click.group("upcasters", cls=Verbs)
def upcasters() -> None:
    """Functions that lift old events when they are read.

    Example: eventlite upcasters check --app shop:set_up
    """


@upcasters.command("check")
@app_option
@click.pass_context
def check(ctx: click.Context, app: str | None) -> None:
    """Find stored versions that the upcasters of --app do not lift to the newest; exit code 5 when there are any.

    The newest version of a command is the highest that is stored or that an upcaster leads to.

    Example: eventlite upcasters check --app shop:set_up
    """
    with open_app(ctx, app) as kernel:
        stranded = kernel.upcasters.stranded(kernel.storage)
    if options_of(ctx).json:
        print_json({"stranded": [found._asdict() for found in stranded]})
    else:
        for found in stranded:
            print_line(_line(found))
        print_line(several(len(stranded), "version") + " without a path to the newest")
    if stranded:
        ctx.exit(UNSOUND)


def _line(found: Stranded) -> str:
    ends = "no upcaster" if found.reaches == found.version else f"the upcasters end at version {found.reaches}"
    return f"{safe(found.cmd)} version {found.version}: {several(found.events, 'event')}, {ends}, newest {found.newest}"
