"""User code on the command line: `--app module:function` is called with the kernel before the command does its work."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import open_kernel
from eventlite.errors import EventLiteError, PluginError, did_you_mean

if TYPE_CHECKING:
    from eventlite.kernel import Kernel

#: Decorates a command that calls user code; the value goes to `open_app`.
app_option = click.option(
    "--app", metavar="MODULE:FUNCTION", help="Your function, called with the kernel: it adds what is yours to it."
)


def needed(ctx: click.Context, app: str | None, why: str) -> str:
    """The value of `--app`, for a command that cannot do without it; `why` is said in the error."""
    if app is None:
        raise click.UsageError(f"--app module:function is missing: {why}", ctx)
    return app


class AppError(PluginError):
    """The function that `--app` names cannot be found, or it failed."""


@contextmanager
def open_app(ctx: click.Context, app: str | None, create: bool = False) -> Iterator[Kernel]:
    """A kernel over the store that `--profile` and `--db` name, after the function that `app` names was called with it.

    Raises `click.BadParameter` or `AppError` before the store is opened, and `AppError` for what the function raises.
    """
    function = None if app is None else load_app(app)
    with open_kernel(ctx, create) as kernel:
        if function is not None:
            _call(function, str(app), kernel)
        yield kernel


def load_app(app: str) -> Callable[[Kernel], Any]:
    """The function that `module:function` names; modules of the working directory are found, too."""
    module_name, colon, name = app.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), name)):
        raise click.BadParameter(f"{app!r} is not of the form module:function, such as shop:set_up", param_hint="--app")
    module = _module(module_name, app)
    function = getattr(module, name, None)
    if not callable(function):
        raise _missing(app, vars(module), name, module_name)
    return function  # type: ignore[no-any-return]


def _module(name: str, app: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise AppError(f"--app {app}: {name} needs {error.name}, which is not installed") from error
        raise AppError(
            f"--app {app}: there is no module {error.name!r}",
            hint="It is looked for among the installed packages and in the working directory.",
        ) from None
    except Exception as error:
        raise AppError(f"--app {app}: {name} cannot be imported: {type(error).__name__}: {error}") from error


def _missing(app: str, names: dict[str, Any], name: str, module: str) -> AppError:
    if name in names:
        return AppError(f"--app {app}: {name!r} in {module} is no function")
    functions = [known for known in names if callable(names[known])]
    return AppError(f"--app {app}: {module} has no function {name!r}", hint=did_you_mean(name, functions))


def _call(function: Callable[[Kernel], Any], app: str, kernel: Kernel) -> None:
    try:
        function(kernel)
    except EventLiteError:
        raise
    except Exception as error:
        raise AppError(
            f"--app {app} failed: {type(error).__name__}: {error}", hint="EVENTLITE_DEBUG=1 shows where."
        ) from error
