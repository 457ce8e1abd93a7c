"""The SQLite file of the JavaScript library EventLite Sourcing, to read.

What is known of it: table `queue` with `id INTEGER PRIMARY KEY`, `version`, `datetime` (milliseconds since the epoch),
`user`, `ip`, `cmd`, `data` (JSON text of any JSON value), `correlation_id`, `causation_id`, `metadata` (JSON text); its
first releases had only `id`, `datetime`, `user`, `ip`, `cmd` and `data`. Events that wait for others are in table
`pending_events`, whose `status` is pending, ready, expired, executed or cancelled; those that were executed are in
`queue` too.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing
from typing import Any, BinaryIO, TypeAlias

from eventlite.contracts import Entry, Rejected, Source
from eventlite.errors import BulkError, InvalidEventError
from eventlite.event import Row, from_microseconds
from eventlite_files.strictjson import parse

_COLUMNS = ("id", "version", "datetime", "user", "ip", "cmd", "data", "correlation_id", "causation_id", "metadata")
_NEEDED = {"id", "datetime", "user", "ip", "cmd", "data"}

# Smaller than every id.
_BEFORE_ALL = -(2**63)

# Rows per read: a read that goes on for minutes would be in the way of whoever writes the file.
_PAGE = 1000

#: Under which the correlation ids of rows without one are made.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "eventlite-js:correlation")

_Values: TypeAlias = dict[str, Any]


class EventliteJsFormat:
    """Its rows become events of the same id.

    One without correlation gets a UUIDv5 of its id, time, cmd and data, the same on every import. A payload that is not
    an object becomes `{"value": ...}`. The file is opened read-only.
    """

    name = "eventlite-js"
    suffixes: tuple[str, ...] = (".db", ".sqlite", ".sqlite3")

    def read(self, source: Source) -> Iterator[Entry | Rejected]:
        """The rows of the file as it is now, in the order of their ids, which stand for line numbers."""
        try:
            with closing(_opened(source)) as connection:
                columns = _columns(connection, source)
                _note_pending(connection, source)
                yield from _entries(connection, columns, source)
        except sqlite3.Error as error:
            raise BulkError(
                f"{source.path} cannot be read as an SQLite file: {error}",
                hint="`--format` says what it is, if it is another kind of file.",
            ) from error

    def write(self, rows: Iterable[Row], target: BinaryIO) -> None:  # noqa: ARG002
        """Refused."""
        raise BulkError(f"the format {self.name} cannot be written", hint="Export as jsonl or csv.")


def _opened(source: Source) -> sqlite3.Connection:
    if not source.path.is_file():
        raise BulkError(f"{source.path} is not a file") from FileNotFoundError(source.path)
    connection = sqlite3.connect(f"{source.path.resolve().as_uri()}?mode=ro", uri=True)
    # What is not UTF-8 is found when the event is checked, with the name of the field.
    connection.text_factory = lambda text: text.decode(errors="surrogateescape")
    return connection


def _columns(connection: sqlite3.Connection, source: Source) -> list[str]:
    """The columns that the file's table has."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(queue)")}
    if not columns >= _NEEDED:
        raise BulkError(
            f"{source.path} is not a file of the JavaScript library: it has no table `queue` of its kind",
            hint="A store of this library is copied with `eventlite backup`, or exported and imported.",
        )
    return [column for column in _COLUMNS if column in columns]


def _note_pending(connection: sqlite3.Connection, source: Source) -> None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'pending_events'").fetchone():
        return
    count = connection.execute("SELECT count(*) FROM pending_events WHERE status IN ('pending', 'ready')").fetchone()[0]
    if count:
        source.note(f"{count:,} pending events that wait for others are no events yet and were left in the file.")


def _entries(connection: sqlite3.Connection, columns: list[str], source: Source) -> Iterator[Entry | Rejected]:
    told = {"correlated": 0, "wrapped": 0}
    for row in _rows(connection, columns):
        values = dict(zip(columns, row, strict=True))
        try:
            told["wrapped"] += _decode(values, "data") + _decode(values, "metadata")
        except InvalidEventError as error:
            yield Rejected(values["id"], error.message, repr(row).encode())
            continue
        told["correlated"] += _correlate(values)
        values["datetime"] = _moment(values["datetime"])
        yield Entry(values["id"], values)
    if told["correlated"]:
        source.note(f"{told['correlated']:,} events had no correlation; each got its own, the same on every import.")
    if told["wrapped"]:
        source.note(f'{told["wrapped"]:,} payloads were not objects and became {{"value": ...}}.')


def _rows(connection: sqlite3.Connection, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """The rows up to the present last one, a page at a time."""
    statement = f"SELECT {', '.join(columns)} FROM queue WHERE id > ? AND id <= ? ORDER BY id LIMIT {_PAGE}"
    after, head = _BEFORE_ALL, connection.execute("SELECT max(id) FROM queue").fetchone()[0]
    while page := connection.execute(statement, (after, head)).fetchall():
        yield from page
        after = page[-1][0]


def _correlate(values: _Values) -> bool:
    """Give the row a correlation if it has none; whether it had none."""
    if values.get("correlation_id"):
        return False
    content = "\n".join(str(values[name]) for name in ("id", "datetime", "cmd", "data"))
    values["correlation_id"] = str(uuid.uuid5(_NAMESPACE, content.encode(errors="surrogateescape").hex()))
    return True


def _decode(values: _Values, field: str) -> bool:
    """Replace JSON text by the object that it means; whether one had to be made of another value."""
    text = values.get(field)
    if not isinstance(text, str):
        return False
    value = parse(text.encode(errors="surrogateescape"))
    values[field] = value if value is None or type(value) is dict else {"value": value}
    return values[field] is not value


def _moment(value: object) -> object:
    """Milliseconds as a datetime; anything else is left to be refused, or read as ISO 8601."""
    if type(value) is int and -62_135_596_800_000 <= value < 253_402_300_800_000:
        return from_microseconds(value * 1000)
    return value
