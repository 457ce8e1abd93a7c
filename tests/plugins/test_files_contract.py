"""The `files` plugin and its formats keep their contracts."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from eventlite_files import Settings, eventlite_make_bulk
from eventlite_files.formats import CsvFormat, EventliteJsFormat, JsonlFormat

from eventlite.contracts import Bulk, Format, Storage
from eventlite.event import Row
from eventlite.testing import BulkContract, FormatContract
from eventlite.testing.host import open_storage


class TestFiles(BulkContract):
    covers = "bulk:files"

    def make_bulk(self, formats: Sequence[Format]) -> Bulk:
        return eventlite_make_bulk(Settings(formats=[format.name for format in formats]), formats)


class TestFilesOnSqlite(TestFiles):
    def open_store(self, place: Path) -> Storage:
        place.mkdir()
        return open_storage("sqlite", path=place / "events.db")


class TestJsonl(FormatContract):
    covers = "format:jsonl"

    def make_format(self) -> Format:
        return JsonlFormat()


class TestCsv(FormatContract):
    covers = "format:csv"

    def make_format(self) -> Format:
        return CsvFormat()


class TestEventliteJs(FormatContract):
    covers = "format:eventlite-js"
    writable = False

    def make_format(self) -> Format:
        return EventliteJsFormat()

    def write_file(self, path: Path, rows: Sequence[Row]) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(
                "CREATE TABLE queue (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER DEFAULT 1, datetime INTEGER "
                "NOT NULL, user TEXT, ip TEXT, cmd TEXT NOT NULL, data TEXT, correlation_id TEXT, causation_id INTEGER,"
                " metadata TEXT)"
            )
            values = [(*row[:2], row[2] // 1000, *row[3:10]) for row in rows]
            connection.executemany("INSERT INTO queue VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
