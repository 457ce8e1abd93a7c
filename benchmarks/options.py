"""Options that every benchmark here takes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchmarks.keeping import dated

_FILE = click.Path(path_type=Path, dir_okay=False)
_DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)


def shared(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options `--quick`, `--json`, `--keep` and `--dir`."""
    for option in (
        click.option("--dir", "directory", type=_DIRECTORY, default=".", help="On which disk to measure."),
        click.option("--keep", is_flag=True, help="Keep the results in benchmarks/results/, under today's date."),
        click.option("--json", "json", type=_FILE, metavar="PATH", help="Write the results there."),
        click.option("--quick", is_flag=True, help="A tiny run, to see that it works."),
    ):
        command = option(command)
    return command


def targets(name: str, json: Path | None, keep: bool) -> list[Path]:
    """The files that the results go to."""
    return [path for path in (json, dated(name) if keep else None) if path is not None]


@contextmanager
def workplace(directory: Path) -> Iterator[Path]:
    """A directory for stores, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="eventlite-bench-", dir=directory) as place:
        yield Path(place)


def tell(text: str) -> None:
    """Say on stderr what is being done."""
    click.echo(text, err=True)
