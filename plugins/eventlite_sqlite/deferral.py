"""Indexes put off during a load: dropped before, built in one sorted pass after.

A record in the store says which ones are missing, so that a load killed half way leaves a store that gets them back
when it is opened next. Rebuilding twice is harmless.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eventlite.contracts import Index
from eventlite_sqlite import indexes
from eventlite_sqlite.connection import sorting
from eventlite_sqlite.readers import Reader
from eventlite_sqlite.records import Records
from eventlite_sqlite.transaction import SqliteTransaction
from eventlite_sqlite.writer import Writer

_NAMESPACE = "eventlite.sqlite"
_NAME = "deferred indexes"

#: The columns of an index that is kept during a load: most events have no cause, and causes grow with the log, so that
#: building it would be a walk through the table for little.
_KEPT = ("causation_id",)

#: Fewer events than this are loaded sooner than an index is built anew.
WORTH = 20_000


@contextmanager
def deferred(writer: Writer, expected: int | None) -> Iterator[None]:
    """Put the indexes off while the block loads, if the load is large against what is there."""
    with writer.transaction() as transaction:
        put_off = _worth(transaction.head(), expected) and _put_off(transaction)
    try:
        yield
    finally:
        if put_off:
            restore(writer)


def is_pending(reader: Reader) -> bool:
    """Whether `restore` has something to do."""
    record = Records(reader.connection).get(_NAMESPACE, _NAME)
    return record is not None and not _alive_elsewhere(record.value)


def restore(writer: Writer) -> None:
    """Build what is missing, unless a load that is still alive in another process will."""
    with writer.transaction() as transaction:
        record = transaction.state.get(_NAMESPACE, _NAME)
        if record is None or _alive_elsewhere(record.value):
            return
        missing = [Index(name, tuple(columns), tuple(path)) for name, columns, path in record.value["indexes"]]
        with sorting(transaction.connection):
            for index in missing:
                transaction.connection.execute(indexes.create(index))
        transaction.state.delete(_NAMESPACE, _NAME)


def _worth(head: int, expected: int | None) -> bool:
    return head == 0 if expected is None else expected >= max(WORTH, head)


def _put_off(transaction: SqliteTransaction) -> bool:
    """Drop the indexes and remember them; not when another load has done so already."""
    present = [index for index in indexes.listed(transaction.connection) if index.columns != _KEPT]
    if not present or transaction.state.get(_NAMESPACE, _NAME) is not None:
        return False
    value = {"indexes": [list(index) for index in present], "process": os.getpid(), "host": socket.gethostname()}
    transaction.state.put(_NAMESPACE, _NAME, value)
    for index in present:
        transaction.connection.execute(indexes.drop(index.name))
    return True


def _alive_elsewhere(value: dict[str, Any]) -> bool:
    if value["host"] != socket.gethostname() or value["process"] == os.getpid():
        return False
    try:
        os.kill(value["process"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is another user's
    return True
