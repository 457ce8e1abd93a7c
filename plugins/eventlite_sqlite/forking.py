"""What a forked child must not touch: SQLite's locks belong to a process, and the child does not have its parent's.

The child neither uses nor closes the parent's connections (closing could remove a log that others write), and does not
open their files anew (SQLite would take the parent's locks for its own).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import weakref
from pathlib import Path
from typing import Protocol

from eventlite.errors import StorageError


class Inheritable(Protocol):
    """What a child may find open."""

    def abandon(self) -> None:
        """Refuse all work from now on, and close nothing."""


_owners: weakref.WeakSet[Inheritable] = weakref.WeakSet()
_connections: weakref.WeakKeyDictionary[sqlite3.Connection, Path] = weakref.WeakKeyDictionary()
_inherited: set[tuple[int, int]] = set()


def watch(owner: Inheritable) -> None:
    """Have `abandon` called in forked children."""
    _owners.add(owner)


def watch_connection(connection: sqlite3.Connection, path: Path) -> None:
    """Keep the connection from being closed in forked children."""
    _connections[connection] = path


def forget_connection(connection: sqlite3.Connection) -> None:
    """It is being closed."""
    _connections.pop(connection, None)


def check_not_inherited(path: Path) -> None:
    """Raise `StorageError` for a file that the parent had open at the fork."""
    if _inherited and _identity(path) in _inherited:
        raise StorageError(
            f"{path} was open in the process that this one was forked from",
            hint="Open the store after the fork only, or start the process with the spawn method.",
        )


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _after_fork_in_child() -> None:
    for owner in list(_owners):
        owner.abandon()
    for connection, path in list(_connections.items()):
        _never_close(connection)
        with contextlib.suppress(OSError):
            _inherited.add(_identity(path))


def _never_close(connection: sqlite3.Connection) -> None:
    """One reference too many, so that it is not closed even when the interpreter ends."""
    import ctypes

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
