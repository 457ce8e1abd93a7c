"""CSV: what is read, and what becomes of columns."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk

from eventlite import BulkError, Event, NewEvent, Query
from eventlite.contracts import BulkReport, ExportOptions, Host, ImportOptions

Import = Callable[..., BulkReport]

LOG = (
    'case,activity,at,who,amount,"a, note"\r\n'
    "A1,placed,2026-01-31 12:00:00+01:00,alice,12.50,\r\n"
    'A1,paid,2026-01-31 13:00:00+01:00,,"1,000","two\r\nlines, and ""quotes"""\r\n'
    "\r\n"
    "B2,placed,2026-01-31 14:00:00+01:00,bob,,ü\r\n"
)
MAPPING = {"cmd": "activity", "correlation_id": "case", "user": "who", "datetime": "at"}


@pytest.fixture
def import_text(host: Host, tmp_path: Path) -> Import:
    """Write the text to a CSV file and import it."""

    def run(text: str | bytes, max_line_bytes: int = 2**20, **options: Any) -> BulkReport:
        path = tmp_path / "events.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        bulk = eventlite_make_bulk(Settings(max_line_bytes=max_line_bytes), list(eventlite_formats()))
        return bulk.import_file(host, path, ImportOptions(**options))

    return run


def events(host: Host) -> list[Event]:
    return list(map(Event, host.storage.read(Query(), limit=100)))


def test_mapped_columns_become_fields_and_all_others_data(import_text: Import, host: Host) -> None:
    assert import_text(LOG, mapping=MAPPING).count == 3
    first, second, third = events(host)
    assert (first.cmd, first.correlation_id, first.user) == ("placed", "A1", "alice")
    assert first.datetime.isoformat() == "2026-01-31T11:00:00+00:00"
    assert first.data == {"amount": "12.50", "a, note": ""}
    assert second.data == {"amount": "1,000", "a, note": 'two\r\nlines, and "quotes"'}
    assert (second.user, third.correlation_id, third.data["a, note"]) == ("", "B2", "ü")


@pytest.mark.parametrize("content", [LOG.replace("\r\n", "\n"), "\ufeff" + LOG, "\r\n\n" + LOG, LOG.rstrip()])
def test_line_ends_marks_and_blank_lines_change_nothing(import_text: Import, host: Host, content: str) -> None:
    assert import_text(content, mapping=MAPPING).count == 3
    assert [event.cmd for event in events(host)] == ["placed", "paid", "placed"]


def test_a_field_s_name_is_an_ordinary_column_when_it_is_not_mapped(import_text: Import, host: Host) -> None:
    import_text("what,id,user,data\na,7,bob,x\n", mapping={"cmd": "what"})
    (event,) = events(host)
    assert (event.id, event.user, event.data) == (1, "", {"id": "7", "user": "bob", "data": "x"})


def test_a_column_can_be_two_fields(import_text: Import, host: Host) -> None:
    import_text("case,what\nA1,a\n,b\n", mapping={"cmd": "what", "correlation_id": "case", "tags": "case"})
    first, second = events(host)
    assert (first.correlation_id, first.tags, first.data) == ("A1", ("A1",), {})
    assert second.tags == ()
    assert second.correlation_id


def test_a_mapped_payload_is_merged_with_the_other_columns(import_text: Import, host: Host) -> None:
    mapping = {"cmd": "what", "data": "payload"}
    import_text('what,payload,n\na,"{""x"":1}",2\nb,,3\n', mapping=mapping)
    assert [event.data for event in events(host)] == [{"x": 1, "n": "2"}, {"n": "3"}]
    with pytest.raises(BulkError, match="line 2: 'n' is both"):
        import_text('what,payload,n\na,"{""n"":1}",2\n', mapping=mapping, append=True)
    with pytest.raises(BulkError, match="line 2: data must be a JSON object"):
        import_text("what,payload\na,[1]\n", mapping=mapping, append=True)


@pytest.mark.parametrize(
    ("mapping", "reason"),
    [
        ({"comand": "what"}, "no field 'comand'.*\n.*Did you mean 'cmd'"),
        ({"cmd": "waht"}, "line 2: there is no column 'waht'\n.*Did you mean 'what'"),
        ({"cmd": "what", "user": "whom"}, "no record has the column 'whom'"),
        ({"user": "who"}, "line 2: cmd is missing"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(
    import_text: Import, host: Host, mapping: dict[str, str], reason: str
) -> None:
    with pytest.raises(BulkError, match=reason):
        import_text("what,who\na,bob\n", mapping=mapping)
    assert events(host) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"cmd,user\na,b\nc\n", "line 3: 1 columns, but the header has 2"),
        (b"cmd,user\na,b\nc,d,e\n", "line 3: 3 columns, but the header has 2"),
        (b"cmd,user\na,b\nc,\xff\n", "line 3: not UTF-8"),
        (b'cmd,user\na,b\n\n"c\nd",e\n"f"g,h\n', "line 6: not valid CSV"),
        (b'cmd,user\na,b\n\n"c\nd', "line 4: not valid CSV: unexpected end of data"),
    ],
)
def test_a_broken_record_is_named_by_the_line_it_starts_at(
    import_text: Import, host: Host, content: bytes, reason: str
) -> None:
    with pytest.raises(BulkError, match=reason):
        import_text(content)
    assert events(host)[0].cmd == "a"


def test_records_behind_a_broken_one_are_read(import_text: Import, host: Host, tmp_path: Path) -> None:
    report = import_text(b'cmd,user\na,b\nc\n"d"e,f\ng,\xff\nh,i\n', rejects=tmp_path / "rejects.jsonl")
    assert (report.count, report.rejected) == (2, 3)
    assert [event.cmd for event in events(host)] == ["a", "h"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("cmd,user,cmd\n", "line 1: two columns are named 'cmd'"),
        (b"cmd,\xff\n", "line 1: the header cannot be read: not UTF-8"),
        ("\ncmd,cmd\n", "line 2: two columns are named 'cmd'"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(import_text: Import, content: str | bytes, reason: str) -> None:
    with pytest.raises(BulkError, match=reason):
        import_text(content)


@pytest.mark.parametrize("content", ["", "\n\n", "cmd,user\n", "\ufeff"])
def test_a_file_without_records_is_no_error(import_text: Import, content: str) -> None:
    assert import_text(content).count == 0


def test_a_quotation_mark_that_is_never_closed_does_not_fill_the_memory(import_text: Import) -> None:
    with pytest.raises(BulkError, match=r"line 2: the record is longer than 1,000 bytes\n.*never closed"):
        import_text('cmd,user\n"a\n' + "b,c\n" * 10_000, max_line_bytes=1000)


def test_a_payload_longer_than_python_s_own_limit_is_read(import_text: Import, host: Host) -> None:
    limit = csv.field_size_limit(131_072)
    try:
        import_text(f"cmd,note\na,{'x' * 200_000}\n", mapping={"cmd": "cmd"})
    finally:
        csv.field_size_limit(limit)
    assert len(events(host)[0].data["note"]) == 200_000


def test_what_is_written_is_what_spreadsheets_read(host: Host, tmp_path: Path) -> None:
    host.append_many([NewEvent('a,"b"', {"x": 'y"z'}, user="line\nline", tags=["t"]), NewEvent("c")])
    bulk = eventlite_make_bulk(Settings(), list(eventlite_formats()))
    bulk.export_file(host, tmp_path / "events.csv", Query(), ExportOptions())
    with (tmp_path / "events.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert list(first) == list(Event(host.storage.read(Query(), limit=1)[0]).to_dict())
    assert (first["cmd"], first["user"], first["data"], first["tags"]) == (
        'a,"b"',
        "line\nline",
        '{"x":"y\\"z"}',
        '["t"]',
    )
    assert (second["causation_id"], second["key"], second["metadata"]) == ("", "", "{}")
