"""The command line, `eventlite`. It starts quickly: a command's own code is imported when the command is used."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from eventlite.cli.commands import COMMANDS, builtin_names, load_builtin
from eventlite.cli.context import Options, options_of, with_shared_options
from eventlite.cli.errors import INTERRUPTED, run
from eventlite.cli.output import discard_stdout, print_json, print_line, tolerate_any_text
from eventlite.errors import PluginError, did_you_mean

__all__ = ["cli", "main"]

_HELP = ["-h", "--help"]
_VERSION = "Show the version and exit."


class LazyGroup(click.Group):
    """The `eventlite` command: built-in commands, then those of the extensions that the profile names."""

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run a command line and exit with the code of what came of it."""
        arguments = list(sys.argv[1:] if args is None else args)
        options = Options(json="--json" in arguments)  # an error may come before the option is parsed
        tolerate_any_text()
        extra.update(obj=options, standalone_mode=False, color=False if "NO_COLOR" in os.environ else None)
        sys.exit(run(lambda: click.Group.main(self, arguments, prog_name or "eventlite", **extra), options))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command here, where an interruption or a gone reader ends it without a word."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            discard_stdout()
            return 0
        except KeyboardInterrupt:
            return INTERRUPTED

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands."""
        return [*builtin_names(), *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name; extensions are loaded only when no built-in command has it."""
        command = load_builtin(cmd_name)
        if command is None and not cmd_name.startswith("-"):
            _add_extension_commands(self, options_of(ctx))
            command = super().get_command(ctx, cmd_name)
        return None if command is None else with_shared_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one was probably meant."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.UsageError(_unknown(args[0], self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        width = max(map(len, builtin_names()))
        for heading, entries in COMMANDS.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), entry.help) for name, entry in entries.items()])
        if options_of(ctx).profile or os.environ.get("EVENTLITE_PROFILE"):
            _add_extension_commands(self, options_of(ctx))
        if self.commands:
            with formatter.section("Extensions"):
                formatter.write_dl([(name, each.get_short_help_str()) for name, each in self.commands.items()])


def _add_extension_commands(group: click.Group, options: Options) -> None:
    """Let the extensions that the profile names add their commands."""
    from eventlite.profile import load_profile

    profile = load_profile(options.profile, options.overrides)
    if not profile.extensions:
        return
    from eventlite.plugins import listeners, load_plugins

    for plugin, add_to in listeners(load_plugins(profile).manager, "eventlite_commands"):
        try:
            add_to(cli=group)
        except Exception as error:
            raise PluginError(f"{plugin} failed to add its commands: {type(error).__name__}: {error}") from error


def _unknown(name: str, known: list[str]) -> str:
    meant = did_you_mean(name, known)
    return f"there is no command {name!r}" + (f". {meant}" if meant else "")


def _print_version(ctx: click.Context, _param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from eventlite import __version__

        if options_of(ctx).json:
            print_json({"version": __version__})
        else:
            print_line(f"eventlite {__version__}")
        ctx.exit()


@with_shared_options
@click.group("eventlite", cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": _HELP})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help=_VERSION)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """An event store, in one file or on a server: put events in, ask it questions, get them out again.

    eventlite append orderPlaced order=A1 amount=12.5 --tag order:A1
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


main = cli
