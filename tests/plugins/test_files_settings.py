"""Which formats there are, and which one a file has."""

from __future__ import annotations

from pathlib import Path

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk
from eventlite_files.picking import pick
from pydantic import ValidationError

from eventlite import BulkError, Kernel, ProfileError
from eventlite.contracts import Host, ImportOptions

FORMATS = {format.name: format for format in eventlite_formats()}


def test_the_profile_chooses_among_the_formats() -> None:
    bulk = eventlite_make_bulk(Settings(formats=["csv"]), list(FORMATS.values()))
    assert [format.name for format in bulk.formats()] == ["csv"]


def test_an_unknown_format_in_the_profile_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(ProfileError, match=r"bulk\.formats: .*'jsnl'\n.*Did you mean 'jsonl'"):
        eventlite_make_bulk(Settings(formats=["csv", "jsnl"]), list(FORMATS.values()))
    with pytest.raises(ProfileError, match=r"'parquet'\n.*Known: jsonl, csv, eventlite-js"):
        Kernel.from_profile(storage={"plugin": "memory"}, bulk={"formats": ["parquet"]}).close()


@pytest.mark.parametrize("values", [{"formats": []}, {"batch_size": 0}, {"max_line_bytes": 0}, {"max_lines": 5}])
def test_settings_are_checked(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(values)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jsonl", "jsonl"),
        ("a.b.NDJSON", "jsonl"),
        ("a.jsonl.gz", "jsonl"),
        ("a.CSV.GZ", "csv"),
        ("a.csv.zst", "csv"),
        ("a.db", "eventlite-js"),
        ("a.sqlite", "eventlite-js"),
        ("-", "jsonl"),
    ],
)
def test_the_suffix_picks_the_format(name: str, expected: str) -> None:
    assert pick(None, Path(name), FORMATS).name == expected


@pytest.mark.parametrize("name", ["a", "a.txt", "a.gz", "a.json", ".csv", "jsonl"])
def test_another_suffix_needs_a_format(name: str) -> None:
    with pytest.raises(BulkError, match=r"--format: jsonl \(\.jsonl, \.ndjson\); csv"):
        pick(None, Path(name), FORMATS)
    assert pick("csv", Path(name), FORMATS).name == "csv"


def test_an_unknown_format_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(BulkError, match="Did you mean 'jsonl'"):
        pick("json", Path("a.csv"), FORMATS)


@pytest.mark.parametrize("size", [0, -1, "5", 1.0])
def test_a_batch_size_that_is_none_is_refused(host: Host, tmp_path: Path, size: object) -> None:
    bulk = eventlite_make_bulk(Settings(), list(FORMATS.values()))
    (tmp_path / "a.jsonl").write_text('{"cmd":"a"}')
    with pytest.raises(BulkError, match="batch_size"):
        bulk.import_file(host, tmp_path / "a.jsonl", ImportOptions(batch_size=size))  # type: ignore[arg-type]
