"""What the command line writes: data on stdout, everything else on stderr, nothing that a terminal would obey."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import click
import orjson

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

# More control characters, line separators, marks that turn the direction of text, and halves of surrogate pairs.
_BEYOND_ASCII = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff"
_UNSAFE_TEXT = re.compile(f"[\x00-\x1f{_BEYOND_ASCII}]")
# In JSON the first 32 are escaped already, and a line break outside a text is no part of it.
_UNSAFE_JSON = re.compile(f"[{_BEYOND_ASCII}]")


def safe(text: str) -> str:
    r"""The text with every control character made visible, such as `\x1b`, so that a terminal obeys none."""
    return _UNSAFE_TEXT.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def to_json(value: Any, *, indent: bool = False) -> bytes:
    """The value as JSON; datetimes as ISO text, paths and the like as text, control characters beyond ASCII escaped."""
    options = orjson.OPT_UTC_Z | (orjson.OPT_INDENT_2 if indent else 0)
    text = orjson.dumps(value, str, options).decode()
    return _UNSAFE_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def print_json(value: Any) -> None:
    """Write one JSON document on stdout."""
    click.echo(to_json(value, indent=True))


def print_line(text: str = "") -> None:
    """Write a line of data on stdout. Text that comes from events must have been made `safe`."""
    click.echo(text)


def note(text: str) -> None:
    """Write a line, or several, for the person on stderr; control characters become visible."""
    click.echo("\n".join(map(safe, text.split("\n"))), err=True)


def stdout() -> Console:
    """A rich console on stdout; lines are not cut when it is a file or a pipe."""
    return _console(stderr=False)


def stderr() -> Console:
    """A rich console on stderr."""
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else 10_000
    console = Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.on_broken_pipe = _reader_is_gone  # type: ignore[method-assign]  # rich's own ends the program as failed
    return console


def _reader_is_gone() -> None:
    raise BrokenPipeError


def table(*headings: str, numbers: tuple[str, ...] = ()) -> Table:
    """An empty table without lines; the columns named in `numbers` are aligned to the right."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, justify="right" if heading in numbers else "left", overflow="fold")
    return made


def size(count: int) -> str:
    """A number of bytes for people: `1.4 MiB`."""
    amount = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:,.0f} {unit}" if unit == "bytes" else f"{amount:,.1f} {unit}"
        amount /= 1024
    return f"{amount:,.1f} TiB"


def several(count: int, noun: str) -> str:
    """A count with its noun: `1 event`, `8,577 events`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on stderr while the block runs, if that is a terminal: call it with what is done and the total."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import Progress

    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task(safe(what), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def tolerate_any_text() -> None:
    """Let stdout and stderr show what their encoding lacks as escapes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def discard_stdout() -> None:
    """Send what is still unwritten to nowhere: the reader of the pipe has gone, as `head` does."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
