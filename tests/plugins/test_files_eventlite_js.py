"""The SQLite file of the JavaScript library."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk

from eventlite import BulkError, Event, Kernel, Query
from eventlite.contracts import Bulk, ExportOptions, Host, ImportOptions
from eventlite.testing.host import StorageHost, open_storage

TABLE = (
    "CREATE TABLE queue (id INTEGER PRIMARY KEY AUTOINCREMENT, version INTEGER DEFAULT 1, datetime INTEGER NOT NULL, "
    "user TEXT, ip TEXT, cmd TEXT NOT NULL, data TEXT, correlation_id TEXT, causation_id INTEGER, metadata TEXT)"
)
PENDING = (
    "CREATE TABLE pending_events (id INTEGER PRIMARY KEY, event_data TEXT NOT NULL, wait_conditions TEXT NOT NULL, "
    "created_at INTEGER NOT NULL, expires_at INTEGER, correlation_id TEXT, status TEXT)"
)
MOMENT = 1_700_000_000_123


@pytest.fixture
def bulk() -> Bulk:
    return eventlite_make_bulk(Settings(), list(eventlite_formats()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def make(path: Path) -> Callable[..., None]:
    """Make a file of these rows, each a dict of columns."""

    def run(*rows: dict[str, Any], statements: tuple[str, ...] = (TABLE,)) -> None:
        with closing(sqlite3.connect(path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
            for row in rows:
                row = {"datetime": MOMENT, "cmd": "a", **row}
                names, marks = ", ".join(row), ", ".join("?" * len(row))
                connection.execute(f"INSERT INTO queue ({names}) VALUES ({marks})", list(row.values()))

    return run


def events(host: Host) -> list[Event]:
    return list(map(Event, host.storage.read(Query(), limit=5000)))


def test_its_events_keep_their_ten_fields(bulk: Bulk, host: Host, make: Callable[..., None], path: Path) -> None:
    full = {"id": 3, "version": 2, "user": "alice", "ip": "::1", "cmd": "placed", "data": '{"n": 1}'}
    make({**full, "correlation_id": "c", "causation_id": None, "metadata": '{"m": [1]}'}, {"id": 7, "causation_id": 3})
    report = bulk.import_file(host, path, ImportOptions())
    first, second = events(host)
    assert (first.id, first.version, first.user, first.ip, first.cmd) == (3, 2, "alice", "::1", "placed")
    assert (first.data, first.metadata, first.correlation_id) == ({"n": 1}, {"m": [1]}, "c")
    assert first.datetime.isoformat() == "2023-11-14T22:13:20.123000+00:00"
    assert (second.id, second.causation_id, second.user, second.data) == (7, 3, "", {})
    assert (report.count, report.renumbered, report.dangling) == (2, False, 0)


def test_rows_without_correlation_get_the_same_one_on_every_import(
    bulk: Bulk, host: Host, make: Callable[..., None], path: Path
) -> None:
    make({"data": "{}"}, {"data": "{}"}, {"data": "{}", "correlation_id": ""})
    report = bulk.import_file(host, path, ImportOptions())
    correlations = [UUID(event.correlation_id) for event in events(host)]
    assert [correlation.version for correlation in correlations] == [5, 5, 5]
    assert len(set(correlations)) == 3
    assert any("3 events had no correlation" in note for note in report.notes)
    with closing(open_storage()) as storage:
        assert bulk.import_file(StorageHost(storage), path, ImportOptions()).digest == report.digest


def test_pending_waits_are_counted(bulk: Bulk, host: Host, make: Callable[..., None], path: Path) -> None:
    states = ("pending", "pending", "ready", "executed", "expired", "cancelled")
    waits = [f"INSERT INTO pending_events VALUES ({n}, '', '', 1, 1, 'c', '{state}')" for n, state in enumerate(states)]
    make({"correlation_id": "c"}, statements=(TABLE, PENDING, *waits))
    report = bulk.import_file(host, path, ImportOptions())
    assert report.count == 1
    assert report.notes == ["3 pending events that wait for others are no events yet and were left in the file."]


def test_payloads_that_are_no_objects_are_wrapped(
    bulk: Bulk, host: Host, make: Callable[..., None], path: Path
) -> None:
    payloads = ["[1, 2]", '"text"', "5", "null", None, "{}", ' {"a": 1}']
    make(*({"data": payload, "correlation_id": "c"} for payload in payloads))
    report = bulk.import_file(host, path, ImportOptions())
    wrapped = [{"value": [1, 2]}, {"value": "text"}, {"value": 5}]
    assert [event.data for event in events(host)] == [*wrapped, {}, {}, {}, {"a": 1}]
    assert any("3 payloads" in note for note in report.notes)


def test_the_first_releases_had_fewer_columns(bulk: Bulk, host: Host, make: Callable[..., None], path: Path) -> None:
    old = "CREATE TABLE queue (id INTEGER PRIMARY KEY, datetime TEXT NOT NULL, user TEXT, ip TEXT, cmd TEXT, data TEXT)"
    make({"datetime": "2024-01-01 10:00:00", "user": "bob", "data": '{"x":1}'}, statements=(old,))
    bulk.import_file(host, path, ImportOptions())
    (event,) = events(host)
    assert (event.user, event.version, event.data) == ("bob", 1, {"x": 1})
    assert event.datetime.isoformat() == "2024-01-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"data": "{broken"}, "line 5: not valid JSON"),
        ({"data": '{"n": 123456789012345678901}'}, "line 5: .*64 bits"),
        ({"cmd": ""}, "line 5: cmd must have"),
        ({"user": b"\x01"}, "line 5: user must be a text"),
        ({"cmd": "x" * 300}, "line 5: cmd must have 1 to 255"),
        ({"datetime": "Tue Jan 02 2024"}, "line 5: datetime .* is not an ISO 8601 time"),
        ({"datetime": 10**17}, "line 5: datetime must be a text"),
        ({"datetime": 1.5}, "line 5: datetime must be a text"),
        ({"id": -3}, "line -3: id must be"),
    ],
)
def test_a_row_that_cannot_be_kept_is_named(
    bulk: Bulk, host: Host, make: Callable[..., None], path: Path, row: dict[str, Any], reason: str
) -> None:
    make({"id": 5, **row})
    with pytest.raises(BulkError, match=reason):
        bulk.import_file(host, path, ImportOptions())


def test_text_that_is_not_utf_8_is_refused(bulk: Bulk, host: Host, make: Callable[..., None], path: Path) -> None:
    make({"data": "{}"}, statements=(TABLE, "INSERT INTO queue (datetime, cmd) VALUES (1, CAST(x'61ff' AS TEXT))"))
    with pytest.raises(BulkError, match="line 1: cmd has a NUL or a lone surrogate"):
        bulk.import_file(host, path, ImportOptions())


def test_many_rows_are_read_page_by_page(bulk: Bulk, host: Host, make: Callable[..., None], path: Path) -> None:
    make(*({"id": 3 * n, "data": json.dumps({"n": n}), "correlation_id": "c"} for n in range(1, 2502)))
    assert bulk.import_file(host, path, ImportOptions()).count == 2501
    assert [event.data["n"] for event in events(host)] == list(range(1, 2502))


def test_what_is_no_file_of_it_is_refused_and_untouched(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all, but long enough to be taken for one" * 20)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE queue (id INTEGER, what TEXT)")
    with Kernel.from_profile(storage={"path": tmp_path / "ours.db"}) as kernel:
        kernel.append("a")
    for name, reason in {"text": "SQLite file", "other": "JavaScript", "ours": "eventlite backup"}.items():
        path = tmp_path / f"{name}.db"
        before = hashlib.sha256(path.read_bytes()).digest()
        with pytest.raises(BulkError, match=reason):
            bulk.import_file(host, path, ImportOptions())
        assert hashlib.sha256(path.read_bytes()).digest() == before
    with pytest.raises(BulkError, match=r"missing\.db"):
        bulk.import_file(host, tmp_path / "missing.db", ImportOptions())
    assert not (tmp_path / "missing.db").exists()


def test_a_file_in_use_is_read_as_it_stands(bulk: Bulk, host: Host, make: Callable[..., None], path: Path) -> None:
    make({"correlation_id": "c"})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        with connection:
            connection.execute("INSERT INTO queue (datetime, cmd, correlation_id) VALUES (1, 'b', 'c')")
        assert bulk.import_file(host, path, ImportOptions()).count == 2


def test_it_cannot_be_written(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    with pytest.raises(BulkError, match="cannot be written"):
        bulk.export_file(host, tmp_path / "out.db", Query(), ExportOptions())
    assert list(tmp_path.iterdir()) == []
