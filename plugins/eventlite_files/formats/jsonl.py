"""JSONL: one event per line, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from eventlite.contracts import Entry, Rejected, Source
from eventlite.digest import canonical_line
from eventlite.errors import InvalidEventError
from eventlite.event import Row
from eventlite_files.strictjson import parse


class JsonlFormat:
    """A line is an object with the twelve fields under their names; blank lines are passed over.

    What it writes are the canonical lines, so that the digest of an export is the sha256 of the file.
    """

    name = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")

    def read(self, source: Source) -> Iterator[Entry | Rejected]:
        """The objects of a file."""
        for number, line in source.lines():
            if not line or line.isspace():
                continue
            try:
                value = parse(line)
            except InvalidEventError as error:
                yield Rejected(number, error.message, line)
                continue
            if type(value) is dict:
                yield Entry(number, value)
            else:
                yield Rejected(number, "not a JSON object", line)

    def write(self, rows: Iterable[Row], target: BinaryIO) -> None:
        """Write the events as canonical lines."""
        target.writelines(map(canonical_line, rows))
