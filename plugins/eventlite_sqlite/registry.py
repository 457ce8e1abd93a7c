"""One writer per file and process: a second connection that writes would only wait for the first."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

from eventlite_sqlite.failures import translated
from eventlite_sqlite.settings import Settings
from eventlite_sqlite.writer import Writer

_lock = threading.Lock()
_writers: dict[tuple[int, int], Writer] = {}


def acquire(path: Path, settings: Settings) -> Writer:
    """The writer of the file, opened if need be; give it back with `release`."""
    with _lock:
        writer = _writers.get(_identity(path))
        if writer is None or writer.broken:
            writer = _writers[_identity(path)] = _new(path, settings)
        else:
            writer.raise_level(settings.synchronous)
            writer.stores += 1
        return writer


def release(writer: Writer) -> None:
    """Close the writer when no other store uses it."""
    with _lock:
        writer.stores -= 1
        if writer.stores == 0:
            for identity in [key for key, value in _writers.items() if value is writer]:
                del _writers[identity]
            writer.close()


def _new(path: Path, settings: Settings) -> Writer:
    try:
        return Writer(path, settings)
    except sqlite3.Error as error:
        raise translated(error, path) from error


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _after_fork_in_child() -> None:
    global _lock  # noqa: PLW0603 - a thread of the parent may hold it
    _lock = threading.Lock()
    _writers.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
