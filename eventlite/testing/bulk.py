"""The contracts of bulk input and output and of a file format, as tests."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
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
from eventlite.errors import BulkError, EventLiteError
from eventlite.event import Draft, Event, NewEvent, Row, checksum, to_microseconds
from eventlite.query import Query
from eventlite.testing.capabilities import left_out
from eventlite.testing.host import StorageHost, open_storage

_TEXT = 'plain, "quoted", it\'s; ü 漢 😀\ttab\nline\r\nlines\u2028end'


def _row(id: int, cmd: str, data: str = "{}", **values: Any) -> Row:
    fields = {"version": 1, "datetime": 1_700_000_000_000_000 + id * 1000, "user": "", "ip": "", "metadata": "{}"}
    fields |= {"correlation_id": f"c-{id}", "causation_id": None, "tags": "[]", "key": None, **values}
    order = ("version", "datetime", "user", "ip", "correlation_id", "causation_id", "metadata", "tags", "key")
    version, recorded, user, ip, correlation, cause, metadata, tags, key = (fields[name] for name in order)
    draft: Any = (version, recorded, user, ip, cmd, data, correlation, cause, metadata, tags, key)
    return (id, *draft, checksum(draft))


#: Events that every format can hold: whole milliseconds, no tags, no keys.
PLAIN: Sequence[Row] = (
    _row(1, "placed", '{"n":1,"half":0.5,"no":null,"yes":true,"list":[1,{"a":[]}]}', user="alice", ip="::1"),
    _row(2, "paid", '{"text":"a,b\\"c\\nd"}', causation_id=1, correlation_id="c-1", metadata='{"from":"bank"}'),
    _row(5, "sent", "{}", version=7, causation_id=2, datetime=-62_135_596_800_000_000),
    _row(9, "sent", '{"large":18446744073709551615,"small":-9223372036854775808}', datetime=253_402_300_799_999_000),
)

#: The same, and more: microseconds, tags, keys, and every kind of character in names.
RICH: Sequence[Row] = (
    *PLAIN,
    _row(
        10, _TEXT, "{}", user=_TEXT, ip=" ", correlation_id=_TEXT, key=_TEXT, tags=orjson.dumps([_TEXT, "b"]).decode()
    ),
    _row(2**53 - 1, "last", '{"":""}', datetime=1_700_000_000_123_456, tags='["user:42"]', key="k", user="null"),
)


_MOMENT = "2026-01-31T12:00:00Z"


class LinesSource:
    """The plainest `Source`: a file that is not compressed, with a limit on records."""

    def __init__(self, path: Path, max_record_bytes: int = 2**20) -> None:
        self.path = path
        self.max_record_bytes = max_record_bytes
        self.notes: list[str] = []

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines, as they stand in the file."""
        with self.path.open("rb") as file:
            yield from enumerate(file, 1)

    def note(self, text: str) -> None:
        """Keep a note."""
        self.notes.append(text)


class FormatContract:
    """Subclass it, name the format in `covers`, and make it:

    class TestMyFormat(FormatContract):
        covers = "format:mine"

        def make_format(self):
            return MyFormat()

    A format that is only read sets `writable = False`, and overrides `write_file` to make a file of the `PLAIN` rows.
    """

    covers: ClassVar[str]
    writable: ClassVar[bool] = True

    def make_format(self) -> Format:
        """The format."""
        raise NotImplementedError("define make_format()")

    def write_file(self, path: Path, rows: Sequence[Row]) -> None:
        """Make a file of these events."""
        with path.open("wb") as target:
            self.make_format().write(rows, target)

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / f"events{self.make_format().suffixes[0]}"

    @pytest.fixture
    def rows(self) -> Sequence[Row]:
        return RICH if self.writable else PLAIN

    def test_it_has_a_name_and_suffixes(self) -> None:
        format = self.make_format()
        assert format.name == format.name.strip().lower() != ""
        assert format.suffixes
        assert all(suffix == suffix.lower() and suffix[0] == "." and len(suffix) > 1 for suffix in format.suffixes)

    def test_it_reads_what_was_written(self, path: Path, rows: Sequence[Row]) -> None:
        self.write_file(path, rows)
        assert _read(self.make_format(), path) == list(rows)

    def test_no_events_are_a_file_too(self, path: Path) -> None:
        self.write_file(path, [])
        assert _read(self.make_format(), path) == []

    def test_records_come_with_growing_line_numbers(self, path: Path, rows: Sequence[Row]) -> None:
        self.write_file(path, rows)
        lines = [entry.line for entry in self.make_format().read(LinesSource(path))]
        assert lines == sorted(set(lines))
        assert lines[0] >= 1

    def test_a_file_can_be_read_again(self, path: Path, rows: Sequence[Row]) -> None:
        self.write_file(path, rows)
        format = self.make_format()
        next(iter(format.read(LinesSource(path))))
        assert _read(format, path) == _read(format, path) == list(rows)

    def test_a_file_that_was_cut_off_gives_what_is_whole(self, path: Path, rows: Sequence[Row]) -> None:
        self.write_file(path, rows)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 2 // 3])
        entries = _entries_until_error(self.make_format(), path)
        whole = [_row_of(entry) for entry in entries if isinstance(entry, Entry)]
        assert whole[:-1] == list(rows)[: len(whole) - 1 if whole else 0]

    @pytest.mark.parametrize(
        "content", [b"\x00", b"\xff\xfe\x00\n" * 9, b'{"', b'"', b"[" * 100_000, bytes(range(256))]
    )
    def test_whatever_a_file_holds_is_read_or_refused(self, path: Path, content: bytes) -> None:
        path.write_bytes(content)
        for entry in _entries_until_error(self.make_format(), path):
            assert isinstance(entry, Entry | Rejected)

    def test_equal_events_give_equal_bytes(self, rows: Sequence[Row]) -> None:
        self._needs_writing()
        assert _written(self.make_format(), rows) == _written(self.make_format(), rows)

    def test_events_are_written_as_they_come(self) -> None:
        self._needs_writing()
        target = io.BytesIO()
        seen: list[int] = []

        def rows() -> Iterator[Row]:
            for id in range(1, 20_001):
                yield _row(id, "placed", '{"text":"some text that fills the buffers"}')
            seen.append(target.tell())

        self.make_format().write(rows(), target)
        assert seen[0] > 0
        assert target.tell() > seen[0] // 2

    def test_writing_does_not_close_the_file(self, rows: Sequence[Row]) -> None:
        self._needs_writing()
        target = io.BytesIO()
        self.make_format().write(rows, target)
        assert not target.closed

    def test_a_format_that_is_only_read_says_so(self) -> None:
        if self.writable:
            assert _written(self.make_format(), PLAIN)
        else:
            with pytest.raises(BulkError, match="cannot be written"):
                self.make_format().write(PLAIN, io.BytesIO())

    def _needs_writing(self) -> None:
        if not self.writable:
            left_out("writable")


def _read(format: Format, path: Path) -> list[Row]:
    entries = list(format.read(LinesSource(path)))
    assert [entry for entry in entries if isinstance(entry, Rejected)] == []
    return [_row_of(entry) for entry in entries if isinstance(entry, Entry)]


def _entries_until_error(format: Format, path: Path) -> list[Entry | Rejected]:
    entries: list[Entry | Rejected] = []
    try:
        entries.extend(iter(format.read(LinesSource(path))))
    except BulkError as error:
        assert str(path) in str(error)
    return entries


def _written(format: Format, rows: Iterable[Row]) -> bytes:
    target = io.BytesIO()
    format.write(rows, target)
    return target.getvalue()


def _row_of(entry: Entry) -> Row:
    """The event that an entry means, where values may be texts."""
    get = entry.fields.get
    moment: Any = get("datetime")
    if isinstance(moment, str):
        moment = dt.datetime.fromisoformat(moment)
    draft: Any = (
        int(get("version", 1)),
        to_microseconds(moment),
        get("user") or "",
        get("ip") or "",
        get("cmd"),
        _json_of(get("data"), "{}"),
        get("correlation_id"),
        int(entry.fields["causation_id"]) if get("causation_id") else None,
        _json_of(get("metadata"), "{}"),
        _json_of(get("tags"), "[]"),
        get("key") or None,
    )
    return (int(entry.fields["id"]), *draft, checksum(draft))


def _json_of(value: Any, empty: str) -> str:
    if value is None or value == "":
        return empty
    return orjson.dumps(orjson.loads(value) if isinstance(value, str) else value).decode()


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


class BulkContract:
    """Subclass it, name the plugin in `covers`, and make it over the formats that it is given:

    class TestMyBulk(BulkContract):
        covers = "bulk:mine"

        def make_bulk(self, formats):
            return MyBulk(formats)

    It works on a store in memory; for another one override `open_store`.
    """

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

    def test_it_offers_the_formats_it_was_given(self, bulk: Bulk) -> None:
        assert [format.name for format in bulk.formats()] == ["suite"]

    def test_what_was_exported_is_imported_as_it_was(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        _store(host, RICH)
        exported = _export(bulk, host, path)
        imported = _import(bulk, other, path)
        assert _rows(other) == list(RICH)
        assert (exported.count, imported.count) == (len(RICH), len(RICH))
        assert (imported.first_id, imported.last_id) == (1, 2**53 - 1)
        assert exported.digest == imported.digest == _digest(RICH)
        assert not imported.renumbered

    def test_the_span_of_time_is_reported(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        _store(host, RICH)
        for report in (_export(bulk, host, path), _import(bulk, other, path)):
            assert report.first_time == min(row[2] for row in RICH)
            assert report.last_time == max(row[2] for row in RICH)

    def test_no_events_are_a_file_too(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        exported, imported = _export(bulk, host, path), _import(bulk, other, path)
        assert (exported.count, imported.count, _rows(other)) == (0, 0, [])
        assert exported.digest == imported.digest == hashlib.sha256().hexdigest()

    def test_only_what_matches_is_exported(self, bulk: Bulk, host: Host, path: Path) -> None:
        _store(host, RICH)
        report = bulk.export_file(host, path, Query(cmd="sent"), ExportOptions())
        chosen = [row for row in RICH if row[5] == "sent"]
        assert (report.count, report.digest) == (2, _digest(chosen))
        assert path.read_bytes() == b"".join(map(canonical_line, chosen))

    @pytest.mark.parametrize("size", [1, 2, 3, 1000])
    def test_the_size_of_batches_changes_nothing(
        self, bulk: Bulk, host: Host, other: Host, path: Path, size: int
    ) -> None:
        _store(host, RICH)
        bulk.export_file(host, path, Query(), ExportOptions(batch_size=size))
        assert _import(bulk, other, path, batch_size=size).digest == _digest(RICH)
        assert _rows(other) == list(RICH)

    def test_progress_is_told(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        _store(host, RICH)
        exports: list[tuple[int, int]] = []
        imports: list[tuple[int, int, int]] = []
        bulk.export_file(host, path, Query(), ExportOptions(progress=lambda *told: exports.append(told)))
        _import(bulk, other, path, batch_size=2, progress=lambda *told: imports.append(told))
        assert exports[-1] == (len(RICH), len(RICH))
        assert [told[0] for told in imports] == [2, 4, 6]
        assert all(0 <= done <= size == path.stat().st_size for _, done, size in imports)

    def test_a_file_that_exists_is_kept(self, bulk: Bulk, host: Host, path: Path) -> None:
        path.write_text("mine")
        _store(host, RICH)
        with pytest.raises(BulkError, match="exists"):
            _export(bulk, host, path)
        assert path.read_text() == "mine"
        bulk.export_file(host, path, Query(), ExportOptions(force=True))
        assert path.read_bytes() == b"".join(map(canonical_line, RICH))

    @pytest.mark.parametrize("stop", [KeyboardInterrupt(), BulkError("no more"), OSError("no more")])
    def test_an_export_that_stops_leaves_nothing(
        self, host: Host, path: Path, tmp_path: Path, stop: BaseException
    ) -> None:
        _store(host, RICH)
        before = set(tmp_path.iterdir())
        expected = KeyboardInterrupt if isinstance(stop, KeyboardInterrupt) else BulkError
        with pytest.raises(expected):
            _export(self.make_bulk([SuiteFormat(3, stop)]), host, path)
        assert set(tmp_path.iterdir()) == before

    def test_a_format_that_fails_is_named(self, host: Host, path: Path) -> None:
        _store(host, PLAIN)
        failing = self.make_bulk([SuiteFormat(2, ZeroDivisionError("no"))])
        with pytest.raises(BulkError, match="suite failed: ZeroDivisionError"):
            _export(failing, host, path)
        _write(path, {"cmd": "a"}, {"cmd": "b"})
        with pytest.raises(BulkError, match="suite failed: ZeroDivisionError"):
            _import(failing, host, path, append=True)
        assert len(_rows(host)) == len(PLAIN) + 1

    @pytest.mark.parametrize("name", ["events", "events.unknown"])
    def test_a_name_that_tells_no_format_is_refused(self, bulk: Bulk, host: Host, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(canonical_line(PLAIN[0]))
        with pytest.raises(BulkError, match="suite"):
            _import(bulk, host, tmp_path / name)
        assert _import(bulk, host, tmp_path / name, format="suite").count == 1

    def test_an_unknown_format_is_refused(self, bulk: Bulk, host: Host, path: Path) -> None:
        with pytest.raises(BulkError, match="'suit'"):
            _import(bulk, host, path, format="suit")

    def test_a_missing_file_is_an_error(self, bulk: Bulk, host: Host, path: Path) -> None:
        with pytest.raises(BulkError, match=path.name):
            _import(bulk, host, path)

    def test_without_ids_events_are_numbered(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"cmd": "a"}, {"cmd": "b", "causation_id": 1}, {"cmd": "c", "correlation_id": "mine"})
        report = _import(bulk, host, path)
        first, second, third = map(Event, _rows(host))
        assert [first.id, second.id, third.id] == [1, 2, 3]
        assert (second.causation_id, second.correlation_id) == (1, first.correlation_id)
        assert third.correlation_id == "mine" != first.correlation_id
        assert report.digest == _digest(_rows(host))

    def test_a_store_that_has_events_is_left_alone(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"cmd": "a"})
        host.append_many([NewEvent("mine")])
        with pytest.raises(BulkError, match="has events"):
            _import(bulk, host, path)
        assert len(_rows(host)) == 1

    def test_appended_events_get_new_ids_and_keep_their_causes(
        self, bulk: Bulk, host: Host, other: Host, path: Path
    ) -> None:
        _store(host, PLAIN)
        _export(bulk, host, path)
        other.append_many([NewEvent("mine"), NewEvent("mine")])
        report = _import(bulk, other, path, append=True, batch_size=2)
        rows = _rows(other)[2:]
        assert [(row[0], row[8]) for row in rows] == [(3, None), (4, 3), (5, 4), (6, None)]
        assert [(*row[1:8], *row[9:12]) for row in rows] == [(*row[1:8], *row[9:12]) for row in PLAIN]
        assert all(checksum(row[1:]) == row[12] for row in rows)
        assert (report.renumbered, report.digest, report.stored_digest) == (True, _digest(PLAIN), _digest(rows))

    def test_a_cause_that_is_not_there_is_kept_and_counted(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"id": 7, "cmd": "a", "causation_id": 3}, {"id": 8, "cmd": "b", "causation_id": 7})
        with pytest.raises(BulkError, match=r"line 1: .* cause"):
            _import(bulk, host, path, strict=True)
        assert _rows(host) == []
        assert _import(bulk, host, path).dangling == 1
        assert [row[8] for row in _rows(host)] == [3, 7]

    def test_a_known_key_fails_or_is_skipped(self, bulk: Bulk, host: Host, path: Path) -> None:
        host.append_many([NewEvent("mine", {"n": 0}, key="k")])
        _write(path, {"cmd": "a"}, {"cmd": "b", "key": "k"}, {"cmd": "c", "causation_id": 2}, {"cmd": "d", "key": "l"})
        with pytest.raises(BulkError, match=r"line 2: .*'k'"):
            _import(bulk, host, path, append=True)
        assert len(_rows(host)) == 1
        report = _import(bulk, host, path, append=True, on_conflict="skip")
        assert (report.count, report.skipped) == (3, 1)
        assert [(row[5], row[8]) for row in _rows(host)] == [("mine", None), ("a", None), ("c", 1), ("d", None)]

    def test_an_unknown_way_with_conflicts_is_refused(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"cmd": "a"})
        with pytest.raises(EventLiteError, match="on_conflict"):
            _import(bulk, host, path, on_conflict="replace")

    def test_a_broken_record_is_named_and_all_before_it_kept(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"cmd": "a"}, {"cmd": "b"}, {"cmd": "c"})
        path.write_bytes(path.read_bytes() + b'{"cmd":"d')
        with pytest.raises(BulkError, match="line 4") as raised:
            _import(bulk, host, path, batch_size=2)
        assert [row[5] for row in _rows(host)] == ["a", "b", "c"]
        assert isinstance(raised.value.report, BulkReport)
        assert raised.value.report.count == 3

    def test_all_or_nothing(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"cmd": "a"}, {"cmd": "b"}, {"cmd": ""})
        with pytest.raises(BulkError, match="line 3") as raised:
            _import(bulk, host, path, atomic=True, batch_size=1)
        assert _rows(host) == []
        assert isinstance(raised.value.report, BulkReport)
        assert raised.value.report.count == 0
        _write(path, {"cmd": "a"}, {"cmd": "b"}, {"cmd": "c"})
        assert _import(bulk, host, path, atomic=True, batch_size=1).count == 3

    def test_rejected_records_are_written_elsewhere(self, bulk: Bulk, host: Host, path: Path, tmp_path: Path) -> None:
        _write(path, {"cmd": "a"}, {"cmd": ""}, {"cmd": "b"}, {"cmd": "c", "wrong": 1})
        path.write_bytes(path.read_bytes() + b"{broken\n")
        report = _import(bulk, host, path, rejects=tmp_path / "rejects.jsonl")
        assert (report.count, report.rejected) == (2, 3)
        rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_bytes().splitlines()]
        assert [reject["line"] for reject in rejects] == [2, 4, 5]
        assert "cmd" in rejects[0]["reason"]
        assert "wrong" in rejects[1]["reason"]

    def test_columns_can_be_mapped(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, {"type": "a", "who": "alice", "n": 1, "user": "not me"})
        _import(bulk, host, path, mapping={"cmd": "type", "user": "who"})
        (event,) = map(Event, _rows(host))
        assert (event.cmd, event.user, event.data) == ("a", "alice", {"n": 1, "user": "not me"})

    @pytest.mark.parametrize("append", [False, True])
    def test_an_interrupted_import_goes_on_where_it_was(
        self, host: Host, path: Path, tmp_path: Path, append: bool
    ) -> None:
        before = host.append_many([NewEvent("mine")]) if append else []
        _write(
            path,
            *(
                {"id": 3 * n, "cmd": f"c{n}", "causation_id": 3 * n - 3 or None, "datetime": _MOMENT}
                | ({"correlation_id": "c"} if n == 1 else {})
                for n in range(1, 26)
            ),
        )
        for stop in (8, 19):
            with pytest.raises(KeyboardInterrupt):
                _import(self.make_bulk([SuiteFormat(stop)]), host, path, append=append, batch_size=5)
        report = _import(self.make_bulk([SuiteFormat()]), host, path, append=append, batch_size=4)
        rows = _rows(host)[len(before) :]
        assert [row[5] for row in rows] == [f"c{n}" for n in range(1, 26)]
        assert [row[8] for row in rows] == [None, *(row[0] for row in rows[:-1])]
        assert (report.count, report.resumed) == (10, 15)
        assert (report.stored_digest if append else report.digest) == _digest(rows)
        with closing(self.open_store(tmp_path / "third")) as storage:
            at_once = _import(self.make_bulk([SuiteFormat()]), StorageHost(storage), path)
        assert at_once.digest == report.digest

    def test_another_file_in_its_place_is_not_gone_on_with(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, *({"cmd": f"c{n}", "datetime": _MOMENT} for n in range(9)))
        with pytest.raises(KeyboardInterrupt):
            _import(self.make_bulk([SuiteFormat(8)]), host, path, batch_size=3)
        _write(path, *({"cmd": f"d{n}", "datetime": _MOMENT} for n in range(9)))
        with pytest.raises(BulkError, match="not the file"):
            _import(bulk, host, path)
        assert len(_rows(host)) == 6
        report = _import(bulk, host, path, restart=True, append=True)
        assert (report.count, report.resumed, len(_rows(host))) == (9, 0, 15)

    def test_a_finished_import_is_not_gone_on_with(self, bulk: Bulk, host: Host, path: Path) -> None:
        _write(path, *({"cmd": f"c{n}"} for n in range(9)))
        assert _import(bulk, host, path, batch_size=2).count == 9
        assert _import(bulk, host, path, batch_size=2, append=True).count == 9
        assert len(_rows(host)) == 18


def _write(path: Path, *records: dict[str, Any]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def _store(host: Host, rows: Sequence[Row]) -> None:
    drafts: list[Draft] = [row[1:] for row in rows]
    with host.transaction() as tx:
        tx.append(CommitRequest(drafts, ids=[row[0] for row in rows], keyed=True, keep_dangling=True))


def _rows(host: Host) -> list[Row]:
    return host.storage.read(Query(), limit=1000)


def _digest(rows: Iterable[Row]) -> str:
    return hashlib.sha256(b"".join(map(canonical_line, rows))).hexdigest()


def _export(bulk: Bulk, host: Host, path: Path) -> BulkReport:
    return bulk.export_file(host, path, Query(), ExportOptions())


def _import(bulk: Bulk, host: Host, path: Path, **options: Any) -> BulkReport:
    return bulk.import_file(host, path, ImportOptions(**options))


__all__ = ["PLAIN", "RICH", "BulkContract", "FormatContract", "LinesSource", "SuiteFormat"]
