"""The contract of a file format, as tests."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import orjson
import pytest

from eventlite.contracts import Entry, Format, Rejected
from eventlite.errors import BulkError
from eventlite.event import Row, checksum, to_microseconds
from eventlite.testing.bulk_events import PLAIN, RICH, stored
from eventlite.testing.capabilities import left_out


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
                yield stored(id, "placed", '{"text":"some text that fills the buffers"}')
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
