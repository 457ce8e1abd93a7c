"""Which event it is whose text cannot be read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from eventlite.errors import CorruptionError
from eventlite_sqlite.failures import is_undecodable


def explained(
    error: sqlite3.OperationalError, connection: sqlite3.Connection, text: str, values: Sequence[Any]
) -> Exception:
    """The error, or for text that is not UTF-8 a `CorruptionError` with the id of the first such row of a statement."""
    if not is_undecodable(error):
        return error
    usual, connection.text_factory = connection.text_factory, bytes
    try:
        rows = connection.execute(text, values)
        return _damaged(next(row[0] for row in rows if not _is_readable(row)))
    finally:
        connection.text_factory = usual


def _is_readable(row: Sequence[Any]) -> bool:
    try:
        for value in row:
            if isinstance(value, bytes):
                value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _damaged(position: int) -> CorruptionError:
    return CorruptionError(
        f"event {position} is damaged: a text in it is not UTF-8",
        hint="Run `eventlite verify` to find every damaged event; export the others, restore a backup.",
        position=position,
    )
