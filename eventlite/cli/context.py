"""What every command shares: `--profile`, `--db` and `--json`, and the way to a kernel."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from eventlite.kernel import Kernel


@dataclass
class Options:
    """The options that every command takes, before or after the verb."""

    json: bool = False
    profile: str | None = None
    db: str | None = None

    @property
    def overrides(self) -> dict[str, dict[str, Any]]:
        """What `--db` changes in the profile, in the shape that `load_profile` and `Kernel.from_profile` take."""
        return {} if self.db is None else {"storage": {"path": self.db}}

    @property
    def typed(self) -> str:
        """` --db` and ` --profile` as they were given, to end a command that a person may copy."""
        given = {"--db": self.db, "--profile": self.profile}
        return "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value is not None)


def options_of(ctx: click.Context) -> Options:
    """The shared options of the running command."""
    return ctx.ensure_object(Options)


_Command = TypeVar("_Command", bound=click.Command)
_Function = TypeVar("_Function", bound=Callable[..., Any])


def limit_option(default: int, help: str, least: int = 1) -> Callable[[_Function], _Function]:
    """`-n`, how many to show at most."""
    number = click.IntRange(min=least)
    return click.option("-n", "--limit", type=number, metavar="N", default=default, show_default=True, help=help)


def with_shared_options(command: _Command) -> _Command:
    """The command, and every command below it, with the shared options it does not define itself."""
    taken = {name for param in command.params for name in param.opts}
    command.params.extend(option for option in _shared() if not taken.intersection(option.opts))
    if isinstance(command, click.Group):
        for child in command.commands.values():
            with_shared_options(child)
    return command


@contextmanager
def open_kernel(ctx: click.Context, create: bool = False) -> Iterator[Kernel]:
    """A kernel over the store that `--profile` and `--db` name.

    Raises `StoreNotFoundError` when there is none, unless `create`.
    """
    from eventlite.kernel import Kernel

    options = options_of(ctx)
    with Kernel.from_profile(options.profile, create=create, **options.overrides) as kernel:
        yield kernel


def store_path(options: Options) -> Path | None:
    """Where the profile and `--db` say that the store is; None for a storage that has no path."""
    from eventlite.plugins import load_plugins
    from eventlite.profile import load_profile

    settings = load_plugins(load_profile(options.profile, options.overrides)).settings["storage"]
    path = getattr(settings, "path", None)
    return None if path is None else Path(path)


def _shared() -> list[click.Option]:
    # Eager, so that they are known when `--help` looks for commands of extensions.
    return [
        _option("--profile", metavar="NAME|PATH", help="The profile to use, by name or path."),
        _option("--db", metavar="PATH", help="The store to use, instead of the profile's."),
        _option("--json", is_flag=True, default=None, help="Write JSON on stdout."),
    ]


def _option(name: str, **attributes: Any) -> click.Option:
    return click.Option([name], expose_value=False, is_eager=True, callback=_remember, **attributes)


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and param.name is not None:
        setattr(options_of(ctx), param.name, value)
