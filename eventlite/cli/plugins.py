"""`eventlite plugins`: what is installed, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict

import click

from eventlite.cli.context import options_of
from eventlite.cli.output import note, print_json, safe, stdout, table
from eventlite.plugins import PluginInfo, available


@click.command()
@click.pass_context
def plugins(ctx: click.Context) -> None:
    """List the plugins that are installed.

    Each is imported and checked; what is wrong with one, and how to mend it, is said at the end.

    Example: eventlite plugins --json
    """
    found = available()
    if options_of(ctx).json:
        print_json([asdict(info) for info in found])
        return
    _print_table(found)
    for info in found:
        if info.problem:
            note("")
            for line in info.problem.splitlines():
                note(line)


def _print_table(found: list[PluginInfo]) -> None:
    listing = table("concern", "name", "from", "state", "what it is")
    for info in found:
        state = "problem, see below" if info.problem else "works"
        source = f"{info.distribution} {info.version}"
        listing.add_row(*map(safe, (info.concern, info.name, source, state, info.summary)))
    stdout().print(listing)
