"""What the parts of the bulk suite share: the bulk plugin under test, its stores, and short ways to use it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import orjson
import pytest

from eventlite.contracts import (
    Bulk,
    BulkReport,
    CommitRequest,
    Entry,
    ExportOptions,
    Format,
    Host,
    ImportOptions,
    Rejected,
    Source,
    Storage,
)
from eventlite.digest import canonical_line
from eventlite.event import Draft, Row
from eventlite.query import Query
from eventlite.testing.host import StorageHost, open_storage


class SuiteFormat:
    """The format of the suite: canonical lines. Reading raises `stop` at record number `stop_at`."""

    name = "suite"
    suffixes: tuple[str, ...] = (".suite",)

    def __init__(self, stop_at: int | None = None, stop: BaseException | None = None) -> None:
        self._stop_at = stop_at
        self._stop = stop or KeyboardInterrupt()

    def read(self, source: Source) -> Iterator[Entry | Rejected]:
        """The objects of the lines."""
        for number, line in source.lines():
            if number == self._stop_at:
                raise self._stop
            try:
                yield Entry(number, orjson.loads(line))
            except ValueError:
                yield Rejected(number, "not JSON", line)

    def write(self, rows: Iterable[Row], target: BinaryIO) -> None:
        """Write the lines."""
        for number, row in enumerate(rows, 1):
            if number == self._stop_at:
                raise self._stop
            target.write(canonical_line(row))


class BulkSuite:
    """The bulk plugin under test, over a format of the suite's own."""

    covers: ClassVar[str]

    def make_bulk(self, formats: Sequence[Format]) -> Bulk:
        """Bulk input and output over these formats."""
        raise NotImplementedError("define make_bulk(formats)")

    def open_store(self, place: Path) -> Storage:  # noqa: ARG002
        """An open storage without events at a place of its own."""
        return open_storage()

    @pytest.fixture
    def bulk(self) -> Bulk:
        return self.make_bulk([SuiteFormat()])

    @pytest.fixture
    def host(self, tmp_path: Path) -> Iterator[Host]:
        with closing(self.open_store(tmp_path / "first")) as storage:
            yield StorageHost(storage)

    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Host]:
        with closing(self.open_store(tmp_path / "second")) as storage:
            yield StorageHost(storage)

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "events.suite"


def write(path: Path, *records: dict[str, Any]) -> None:
    """Make a file of the suite's format."""
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def store(host: Host, rows: Sequence[Row]) -> None:
    """Keep these rows just as they are."""
    drafts: list[Draft] = [row[1:] for row in rows]
    with host.transaction() as tx:
        tx.append(CommitRequest(drafts, ids=[row[0] for row in rows], keyed=True, keep_dangling=True))


def rows_of(host: Host) -> list[Row]:
    """All that is stored."""
    return host.storage.read(Query(), limit=1000)


def digest(rows: Iterable[Row]) -> str:
    """The digest of these rows."""
    return hashlib.sha256(b"".join(map(canonical_line, rows))).hexdigest()


def export_to(bulk: Bulk, host: Host, path: Path) -> BulkReport:
    """Export everything."""
    return bulk.export_file(host, path, Query(), ExportOptions())


def import_from(bulk: Bulk, host: Host, path: Path, **options: Any) -> BulkReport:
    """Import with these options."""
    return bulk.import_file(host, path, ImportOptions(**options))
