"""A command that is a group of others, such as `jobs`."""

from __future__ import annotations

import click

#: More characters than the first sentence of any help text has: click cuts it at 45 otherwise.
_WHOLE = 500


class Verbs(click.Group):
    """A group whose list of commands says in a whole sentence what each does."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        names = self.list_commands(ctx)
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.commands[name].get_short_help_str(_WHOLE)) for name in names])
