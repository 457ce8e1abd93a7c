"""What a record may hold: the same rules as for an append, and nothing changed on the way."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk

from eventlite import BulkError, Event, Query
from eventlite.contracts import BulkReport, Host, ImportOptions

Import = Callable[..., BulkReport]


@pytest.fixture
def import_text(host: Host, tmp_path: Path) -> Import:
    """Write the text to a file of that suffix and import it."""

    def run(text: str | bytes, suffix: str = ".jsonl", **options: Any) -> BulkReport:
        path = tmp_path / f"events{suffix}"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        settings = Settings(max_line_bytes=2**20, max_total_bytes=2**22)
        bulk = eventlite_make_bulk(settings, list(eventlite_formats()))
        return bulk.import_file(host, path, ImportOptions(**options))

    return run


def events(host: Host) -> list[Event]:
    return list(map(Event, host.storage.read(Query(), limit=100)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("NaN", "not valid JSON"),
        ("-Infinity", "not valid JSON"),
        ("1e400", "not valid JSON"),
        ("1" * 5000, "not valid JSON"),
        ("18446744073709551616", "64 bits"),
        ("-9223372036854775809", "64 bits"),
        ("[1, {}, 123456789012345678901]".replace("{}", '{"a":2}'), "64 bits"),
        (r'"\ud800"', "not valid JSON"),
        (r'"\udc00\ud800"', "not valid JSON"),
        ("[" * 100_000 + "]" * 100_000, "not valid JSON"),
        ("[" * 300 + "]" * 300, "levels deep"),
        ("01", "not valid JSON"),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_json_that_cannot_be_kept_is_refused(
    import_text: Import, host: Host, data: str, reason: str, suffix: str
) -> None:
    good, bad = '{"cmd":"a","data":{"x":1}}\n', f'{{"cmd":"b","data":{{"x":{data}}}}}\n'
    if suffix == ".csv":
        good, bad = 'cmd,data\na,"{""x"":1}"\n', 'b,"{""x"":' + data.replace('"', '""') + '}"\n'
    line = 3 if suffix == ".csv" else 2
    with pytest.raises(BulkError, match=f"events{suffix}, line {line}: .*{reason}"):
        import_text(good + bad, suffix)
    assert [event.cmd for event in events(host)] == ["a"]


@pytest.mark.parametrize("number", [2**64 - 1, -(2**63), 1234567890123456789, 12345678901234567890])
def test_integers_of_64_bits_are_kept(import_text: Import, host: Host, number: int) -> None:
    import_text(f'{{"cmd":"a","data":{{"n":{number},"text":"{number}{number}","half":0.{abs(number)}}}}}')
    assert events(host)[0].data == {"n": number, "text": f"{number}{number}", "half": float(f"0.{abs(number)}")}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "cmd is missing"),
        ({"cmd": ""}, "cmd must have 1 to 255 characters"),
        ({"cmd": "x" * 10_000}, "cmd must have 1 to 255 characters"),
        ({"cmd": "a\0b"}, "cmd has a NUL"),
        ({"cmd": 7}, "cmd must be a text"),
        ({"cmd": "a", "user": 7}, "user must be a text"),
        ({"cmd": "a", "user": "\0"}, "user has a NUL"),
        ({"cmd": "a", "key": "k" * 256}, "key must have"),
        ({"cmd": "a", "key": 0}, "key must be a text"),
        ({"cmd": "a", "tags": "[1]"}, "a tag must be a text"),
        ({"cmd": "a", "tags": ["\0"]}, "a tag has a NUL"),
        ({"cmd": "a", "tags": {"a": 1}}, "tags must be several texts"),
        ({"cmd": "a", "tags": "[1"}, "tags is not valid JSON"),
        ({"cmd": "a", "data": [1]}, "data must be a dict"),
        ({"cmd": "a", "data": "x"}, "data is not valid JSON"),
        ({"cmd": "a", "data": "[1]"}, "data must be a dict"),
        ({"cmd": "a", "metadata": 1}, "metadata must be a dict"),
        ({"cmd": "a", "version": 0}, "version must be an int from 1"),
        ({"cmd": "a", "version": 1.0}, "version must be an int"),
        ({"cmd": "a", "version": True}, "version must be an int"),
        ({"cmd": "a", "version": "two"}, "version must be a number"),
        ({"cmd": "a", "version": "²"}, "version must be a number"),
        ({"cmd": "a", "version": 2**31}, "version must be an int"),
        ({"cmd": "a", "id": 0}, "id must be a number from 1"),
        ({"cmd": "a", "id": 2**53}, "id must be a number from 1"),
        ({"cmd": "a", "id": "-1"}, "id must be a number"),
        ({"cmd": "a", "id": False}, "id must be a number"),
        ({"cmd": "a", "causation_id": 0}, "causation_id must be a number from 1"),
        ({"cmd": "a", "causation_id": "x"}, "causation_id must be a number"),
        ({"cmd": "a", "correlation_id": 5}, "correlation_id must be a text"),
        ({"cmd": "a", "datetime": 1700000000000}, "datetime must be a text"),
        ({"cmd": "a", "datetime": "yesterday"}, "not an ISO 8601 time"),
        ({"cmd": "a", "datetime": "2026-02-30"}, "not an ISO 8601 time"),
        ({"cmd": "a", "datetime": "0001-01-01T00:00:00+14:00"}, "beyond the years 1 to 9999"),
        ({"cmd": "a", "datetime": "9999-12-31T23:59:59-01:00"}, "beyond the years 1 to 9999"),
        ({"cmd": "a", "comand": 1, "cmnd": 1}, "unknown field 'comand'"),
    ],
)
def test_a_value_that_is_no_event_s_is_refused(
    import_text: Import, host: Host, record: dict[str, Any], reason: str
) -> None:
    with pytest.raises(BulkError, match=rf"line 1: .*{reason}"):
        import_text(json.dumps(record))
    assert events(host) == []


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[]", "not a JSON object"), ("1", "not a JSON object"), ('"a"', "not a JSON object"), ("{", "not valid JSON")],
)
def test_a_line_that_is_no_object_is_refused(import_text: Import, text: str, reason: str) -> None:
    with pytest.raises(BulkError, match=f"line 3: {reason}"):
        import_text(f'{{"cmd":"a"}}\n\n{text}\n')


def test_an_unknown_field_comes_with_a_suggestion(import_text: Import) -> None:
    with pytest.raises(BulkError, match="Did you mean 'correlation_id'"):
        import_text('{"cmd":"a","corelation_id":"c"}')
    with pytest.raises(BulkError, match="--map"):
        import_text("cmd,case\na,b\n", ".csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2011-10-11 13:45:40.276000+02:00", dt.datetime(2011, 10, 11, 11, 45, 40, 276000, dt.UTC)),
        ("2011-10-11T13:45:40Z", dt.datetime(2011, 10, 11, 13, 45, 40, tzinfo=dt.UTC)),
        ("2011-10-11 13:45", dt.datetime(2011, 10, 11, 13, 45, tzinfo=dt.UTC)),
        ("2011-10-11", dt.datetime(2011, 10, 11, tzinfo=dt.UTC)),
        ("0001-01-01T00:00:00", dt.datetime(1, 1, 1, tzinfo=dt.UTC)),
        ("9999-12-31T23:59:59.999999Z", dt.datetime(9999, 12, 31, 23, 59, 59, 999999, dt.UTC)),
        ("2026-01-01T00:00:00.123456789Z", dt.datetime(2026, 1, 1, 0, 0, 0, 123456, dt.UTC)),
    ],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
def test_times_are_read(import_text: Import, host: Host, text: str, expected: dt.datetime, suffix: str) -> None:
    import_text(f'{{"cmd":"a","datetime":"{text}"}}' if suffix == ".jsonl" else f"cmd,datetime\na,{text}\n", suffix)
    assert events(host)[0].datetime == expected


def test_what_is_left_out_is_filled_in(import_text: Import, host: Host) -> None:
    before = dt.datetime.now(dt.UTC)
    import_text(
        '{"cmd":"a","user":null,"data":null,"tags":null,"key":null,"datetime":null,"version":null}\n{"cmd":"b"}'
    )
    first, second = events(host)
    assert (first.version, first.user, first.ip, first.data, first.metadata, first.tags) == (1, "", "", {}, {}, ())
    assert (first.key, first.causation_id) == (None, None)
    assert before <= first.datetime <= dt.datetime.now(dt.UTC)
    assert first.correlation_id < second.correlation_id
    assert first.correlation_id[14] == "7"


def test_a_text_is_read_as_what_the_field_needs(import_text: Import, host: Host) -> None:
    values = ("5", "2", '{"a":1}', '["x","y"]', '{"m":1}')
    record = dict(zip(("id", "version", "data", "tags", "metadata"), values, strict=True))
    empty = dict.fromkeys(("version", "datetime", "data", "correlation_id", "causation_id", "tags", "key"), "")
    import_text("\n".join(json.dumps(line) for line in ({"cmd": "a", **record}, {"cmd": "b", "id": 6, **empty})))
    first, second = events(host)
    assert (first.id, first.version, first.data, first.tags) == (5, 2, {"a": 1}, ("x", "y"))
    assert (second.version, second.data, second.causation_id, second.tags, second.key) == (1, {}, None, (), None)


def test_ids_must_grow(import_text: Import, host: Host) -> None:
    with pytest.raises(BulkError, match="line 3: id 4 cannot follow 4"):
        import_text('{"cmd":"a","id":2}\n{"cmd":"b","id":4}\n{"cmd":"c","id":4}\n')
    assert [event.id for event in events(host)] == [2, 4]


@pytest.mark.parametrize("lines", ['{"cmd":"a","id":1}\n{"cmd":"b"}', '{"cmd":"a"}\n{"cmd":"b","id":2}'])
def test_either_all_have_ids_or_none(import_text: Import, lines: str) -> None:
    with pytest.raises(BulkError, match="line 2: some records have an id"):
        import_text(lines)


def test_a_correlation_is_inherited_from_the_cause(import_text: Import, host: Host) -> None:
    lines = [
        {"id": 1, "cmd": "a", "correlation_id": "mine"},
        *({"id": n, "cmd": "b", "causation_id": n - 1} for n in range(2, 9)),
        {"id": 9, "cmd": "c", "causation_id": 1, "correlation_id": "other"},
        {"id": 10, "cmd": "d", "causation_id": 77},
        {"id": 11, "cmd": "e", "causation_id": 12},
        {"id": 12, "cmd": "f"},
    ]
    report = import_text("\n".join(map(json.dumps, lines)), batch_size=3)
    correlations = [event.correlation_id for event in events(host)]
    assert correlations[:9] == ["mine"] * 8 + ["other"]
    assert len(set(correlations[9:])) == 3
    assert [event.causation_id for event in events(host)][-3:] == [77, 12, None]
    assert report.dangling == 2


def test_a_key_twice_in_a_file_is_one_event(import_text: Import, host: Host) -> None:
    lines = '{"cmd":"a","key":"k"}\n{"cmd":"b"}\n{"cmd":"c","key":"k"}\n{"cmd":"d","causation_id":3}\n'
    with pytest.raises(BulkError, match=r"line 3: the store knows the key 'k' \(event 1\)") as raised:
        import_text(lines, atomic=True)
    assert type(raised.value.__cause__).__name__ == "ConflictError"
    report = import_text(lines, on_conflict="skip")
    assert (report.count, report.skipped) == (3, 1)
    assert [event.cmd for event in events(host)] == ["a", "b", "d"]


def test_the_same_again_is_skipped_as_a_whole(import_text: Import, host: Host) -> None:
    lines = '{"cmd":"a","key":"k"}\n{"cmd":"b","key":"l","causation_id":1}\n'
    import_text(lines)
    report = import_text(lines, append=True, on_conflict="skip")
    assert (report.count, report.skipped, report.first_id) == (0, 2, 0)
    assert len(events(host)) == 2


def test_large_events_are_committed_in_smaller_batches(import_text: Import, host: Host) -> None:
    told: list[int] = []
    line = json.dumps({"cmd": "a", "data": {"text": "x" * 900_000}}) + "\n"
    import_text(line * 4, progress=lambda records, *_: told.append(records), batch_size=3)
    assert told == [3, 4]
    assert len(events(host)) == 4
