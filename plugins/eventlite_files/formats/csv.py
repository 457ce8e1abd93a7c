"""CSV: a header, then one event per record (RFC 4180)."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from eventlite.contracts import Entry, Rejected, Source
from eventlite.errors import BulkError
from eventlite.event import COLUMNS, Row, to_iso

_HEADER = COLUMNS[:12]


class CsvFormat:
    """Columns have the names of fields; `data`, `metadata` and `tags` hold JSON text, no cause and no key are empty.

    Values are texts. With a mapping every column that is not mapped becomes a text in `data`, empty ones too.
    """

    name = "csv"
    suffixes: tuple[str, ...] = (".csv",)

    def read(self, source: Source) -> Iterator[Entry | Rejected]:
        """The records below the header, blank lines passed over."""
        records = _records(source)
        header = _header(next(records, None), source)
        for record in records:
            if isinstance(record, Rejected):
                yield record
                continue
            line, cells, raw = record
            if len(cells) == len(header):
                yield Entry(line, dict(zip(header, cells, strict=True)))
            else:
                reason = f"{len(cells)} columns, but the header has {len(header)}"
                yield Rejected(line, reason, b"".join(raw))

    def write(self, rows: Iterable[Row], target: BinaryIO) -> None:
        """Write a header and the events."""
        # Lines end as the RFC has it; only then do all Pythons quote a text that holds either of the two characters.
        writer = csv.writer(codecs.getwriter("utf-8")(target), lineterminator="\r\n")
        writer.writerow(_HEADER)
        writer.writerows((*row[:2], to_iso(row[2]), *row[3:12]) for row in rows)


class _Lines:
    """The lines of a source as text; `csv.reader` takes as many as a record has."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines()
        self._source = source
        self._size = 0
        self.first = 0
        self.raw: list[bytes] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, line = next(self._lines)
        if not self.raw:
            self.first, self._size = number, 0
        self.raw.append(line)
        self._size += len(line)
        if self._size > self._source.max_record_bytes:
            raise BulkError(
                f"{self._source.path}, line {self.first}: the record is longer than "
                f"{self._source.max_record_bytes:,} bytes",
                hint="A quotation mark that is never closed makes one record of all that follows.",
            )
        return line.decode()


def _records(source: Source) -> Iterator[tuple[int, list[str], list[bytes]] | Rejected]:
    """The line, cells and raw lines of each record, or why it cannot be read; blank lines are passed over."""
    # The limit is the process's, and low; a payload may be longer than that.
    csv.field_size_limit(max(csv.field_size_limit(), source.max_record_bytes))
    lines = _Lines(source)
    reader = csv.reader(lines, strict=True)
    while True:
        lines.raw = []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError:
            yield Rejected(lines.first, "not UTF-8", b"".join(lines.raw))
        except csv.Error as error:
            yield Rejected(lines.first, f"not valid CSV: {error}", b"".join(lines.raw))
        else:
            if cells:  # it was no blank line
                yield lines.first, cells, lines.raw


def _header(record: tuple[int, list[str], list[bytes]] | Rejected | None, source: Source) -> list[str]:
    if record is None:
        return []
    if isinstance(record, Rejected):
        raise BulkError(f"{source.path}, line {record.line}: the header cannot be read: {record.reason}")
    header = record[1]
    twice = next((name for name in header if header.count(name) > 1), None)
    if twice is not None:
        raise BulkError(f"{source.path}, line {record[0]}: two columns are named {twice!r}")
    return header
