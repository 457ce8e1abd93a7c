"""From what a command raised to an exit code and a line or two on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click

from eventlite import errors
from eventlite.cli.context import Options
from eventlite.cli.output import discard_stdout, note, to_json


class NotFoundError(errors.EventLiteError):
    """What was asked for by its id or name is not in the store."""


#: The exit code of a check that went well and found something wrong, as of a `CorruptionError`.
UNSOUND = 5

#: The exit code of each kind of error, the nearest class deciding; 0 is done, 1 every other failure.
EXIT_CODES: dict[type[BaseException], int] = {
    errors.EventLiteError: 1,
    errors.InvalidEventError: 2,
    errors.InvalidQueryError: 2,
    click.ClickException: 2,
    NotFoundError: 3,
    errors.StoreNotFoundError: 3,
    FileNotFoundError: 3,
    errors.ConflictError: 4,
    errors.CorruptionError: UNSOUND,
    errors.StoreBusyError: 6,
    errors.StorageError: 7,
    OSError: 7,
    errors.ProfileError: 8,
    errors.PluginError: 8,
    # The file is sound, but not for us: nothing that a backup would mend.
    errors.ForeignFileError: 8,
    errors.SchemaVersionError: 8,
}

#: The exit code after Ctrl-C.
INTERRUPTED = 130

# A group without a command; before click 8.2 that was no error.
_NO_COMMAND = getattr(click.exceptions, "NoArgsIsHelpError", ())

_OUR_FAULT = "This is a fault of EventLite or of a plugin; EVENTLITE_DEBUG=1 shows where it happened."


def run(command: Callable[[], Any], options: Options) -> int:
    """Call the command and return the exit code; an error is written on stderr, a gone reader is no error."""
    try:
        code = command()
    except BrokenPipeError:
        discard_stdout()
        return 0
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except Exception as error:
        if os.environ.get("EVENTLITE_DEBUG") == "1":
            raise
        return _report(error, options)
    return code if isinstance(code, int) else 0


def exit_code(error: BaseException) -> int:
    """The exit code of an error; an import that failed for want of space has the code of that."""
    if isinstance(error, errors.BulkError) and error.__cause__ is not None:
        return exit_code(error.__cause__)
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), 1)


def _report(error: Exception, options: Options) -> int:
    code = exit_code(error)
    message, hint = _words(error)
    if options.json:
        click.echo(to_json({"error": _described(error, message, hint, code)}), err=True)
        return code
    note(f"eventlite: {message}")
    if hint:
        note(f"  {hint}")
    return code


def _described(error: Exception, message: str, hint: str | None, code: int) -> dict[str, Any]:
    described = {"type": type(error).__name__, "message": message, "hint": hint, "exit_code": code}
    position = getattr(error, "position", None)
    return described if position is None else {**described, "position": position}


def _words(error: Exception) -> tuple[str, str | None]:
    """What is wrong, and how to mend it."""
    if isinstance(error, errors.EventLiteError):
        return error.message, error.hint
    if isinstance(error, _NO_COMMAND):
        return _choice(error.ctx), _usage(error)
    if isinstance(error, click.ClickException):
        return error.format_message().rstrip("."), _usage(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror, None
    return f"{type(error).__name__}: {error}", _OUR_FAULT


def _choice(ctx: click.Context) -> str:
    assert isinstance(ctx.command, click.Group)
    return f"`{ctx.command_path}` needs a command: {', '.join(ctx.command.list_commands(ctx))}"


def _usage(error: click.ClickException) -> str | None:
    ctx = getattr(error, "ctx", None)
    return None if ctx is None else f"`{ctx.command_path} --help` says what it takes."
