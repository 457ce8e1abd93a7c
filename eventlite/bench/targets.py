"""Where results are written: over nothing but older results."""

from __future__ import annotations

from pathlib import Path

from eventlite.bench.html_page import TITLE
from eventlite.bench.results import load
from eventlite.errors import EventLiteError


def check_target(path: Path, *, page: bool) -> None:
    """Raise `EventLiteError` if results cannot be written there, or would replace a file that is none.

    `page` tells a page for a browser from JSON. A device or a pipe is written to, an empty file is filled.
    """
    if not path.parent.is_dir():
        raise EventLiteError(f"the directory {path.parent} does not exist", hint="Create it, or name another file.")
    if path.is_file() and path.stat().st_size and not (_is_page(path) if page else _is_json(path)):
        raise EventLiteError(
            f"{path} exists already, and holds no such results: it was left as it is",
            hint="Name another file, or remove that one first.",
        )


def _is_page(path: Path) -> bool:
    return f"<title>{TITLE}</title>".encode() in _start(path)


def _is_json(path: Path) -> bool:
    if not _start(path).startswith(b"{"):  # before a store of many gigabytes is read
        return False
    try:
        load(path)
    except EventLiteError:
        return False
    return True


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(500)
