"""A file that appears under its name when it is whole, or not at all."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from eventlite.errors import BulkError
from eventlite_files.source import STANDARD

_BUFFER = 2**20


@contextmanager
def whole_file(path: Path, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file to write, for its owner only.

    It is written beside its place and moved there, durable, when the block ends; when the block raises it is removed.
    A pipe, a device and standard output (`-`) are written at once. Raises `BulkError` if the path is taken, unless
    `force`, or cannot be written.
    """
    try:
        with _appearing(path, force) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise BulkError(f"{path} cannot be written: {error.strerror or error}") from error


@contextmanager
def _appearing(path: Path, force: bool) -> Iterator[BinaryIO]:
    if path == STANDARD:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif _is_stream(path):
        with path.open("wb", _BUFFER) as file:
            yield file
    else:
        target = path.resolve() if force else path
        refuse_taken(target, force)
        with _moved_when_whole(target, force) as file:
            yield file


def refuse_taken(path: Path, force: bool = False) -> None:
    """Raise `BulkError` if there is something at the path that must not be replaced."""
    if path.is_dir():
        raise BulkError(f"{path} is a directory", hint="Give the name of a file.")
    if not force and (path.exists() or path.is_symlink()):
        raise BulkError(f"{path} exists; it was not overwritten", hint="Use --force (force=True) to replace it.")


@contextmanager
def _moved_when_whole(target: Path, force: bool) -> Iterator[BinaryIO]:
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:100]}.", suffix=".partial", dir=target.parent)
    try:
        with os.fdopen(handle, "wb", _BUFFER) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        refuse_taken(target, force)
        Path(name).replace(target)
        _sync_directory(target.parent)
    finally:
        Path(name).unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    # Not every system can: there the rename is as durable as the system makes it.
    with suppress(OSError):
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _is_stream(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)
