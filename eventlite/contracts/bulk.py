"""The contract of bulk input and output: files of events, and their formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from eventlite.contracts.host import Host
from eventlite.event import Row
from eventlite.query import Query


class Entry(NamedTuple):
    """One record of a file that is imported: the line or row number it starts at, from 1, and its fields by name.

    A value may be the text of one, as in a CSV cell: digits for a number, JSON for `data`, `metadata` and `tags`; an
    empty text is no value, but for `user` and `ip`. `datetime` is ISO 8601 text or a datetime; without an offset it is
    UTC.
    """

    line: int
    fields: dict[str, Any]


class Rejected(NamedTuple):
    """A record that cannot be read although the file goes on behind it: its line, why, and its first bytes."""

    line: int
    reason: str
    raw: bytes


class Source(Protocol):
    """A file that is imported; counts what was read and holds the limits on lines and total size."""

    @property
    def path(self) -> Path:
        """Where it is."""

    @property
    def max_record_bytes(self) -> int:
        """The most bytes that one line, or one record of several lines, may have."""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The number, from 1, and the bytes of each line, decompressed, with its line end, without byte order mark."""

    def note(self, text: str) -> None:
        """Add a sentence to `BulkReport.notes`, for what a person should know about this file."""


class Format(Protocol):
    """One file format."""

    @property
    def name(self) -> str:
        """What `--format` and `[bulk] formats` call it."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The file suffixes it goes by, with the dot, in lower case."""

    def read(self, source: Source) -> Iterator[Entry | Rejected]:
        """The records of a file, in bounded memory.

        Raises `BulkError` naming the line behind which nothing can be read.
        """

    def write(self, rows: Iterable[Row], target: BinaryIO) -> None:
        """Write events as they come; raises `BulkError` if the format cannot be written."""


@dataclass(slots=True)
class ImportOptions:
    """How a file is read. `mapping` says which column or key of the file holds which field, `{"cmd": "type"}`."""

    format: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    #: Allow a store that has events already, and renumber.
    append: bool = False
    #: With `append`: what to do with an event whose key the store knows.
    on_conflict: str = "fail"
    #: Refuse an event whose cause is not there.
    strict: bool = False
    #: All or nothing.
    atomic: bool = False
    #: A file that gets the records that cannot be imported, each with its line and reason; without, the first one ends
    #: the import.
    rejects: Path | None = None
    #: Forget an unfinished import of the same file and begin at its first record.
    restart: bool = False
    #: Events per transaction; None is the profile's number.
    batch_size: int | None = None
    #: Called with the records done and the bytes read so far, and the bytes of the file (0: unknown).
    progress: Callable[[int, int, int], None] | None = None


@dataclass(slots=True)
class ExportOptions:
    """How a file is written."""

    format: str | None = None
    #: Replace a file that exists.
    force: bool = False
    #: Of a damaged store: leave out what cannot be read, and note what that was, instead of failing.
    salvage: bool = False
    #: Write old events as the upcasters lift them; the digest is that of what is written.
    upcast: bool = False
    #: Events per read; None is the profile's number.
    batch_size: int | None = None
    #: Called with the events done so far and the events in all.
    progress: Callable[[int, int], None] | None = None


@dataclass(slots=True)
class BulkReport:
    """What an import, export or bulk append did."""

    #: Events imported, exported or appended by this call.
    count: int = 0
    #: The ids of the first and last of them, 0 without any.
    first_id: int = 0
    last_id: int = 0
    #: The earliest and latest time of them, in microseconds since the epoch; None without any.
    first_time: int | None = None
    last_time: int | None = None
    #: Records left out because the store knew their keys.
    skipped: int = 0
    #: Records that cannot be imported, written to `ImportOptions.rejects`.
    rejected: int = 0
    #: Records found done by an earlier, interrupted import.
    resumed: int = 0
    #: Events whose cause is not in the store.
    dangling: int = 0
    #: Whether ids differ from those in the file.
    renumbered: bool = False
    #: sha256 of the canonical lines read or written, in hexadecimal.
    digest: str = ""
    #: With `renumbered`: the digest of the events as stored.
    stored_digest: str = ""
    #: Whatever else a person should know, a sentence each.
    notes: list[str] = field(default_factory=list)


class Bulk(Protocol):
    """Gets files of events in and out, in bounded memory."""

    def import_file(self, host: Host, path: Path, options: ImportOptions) -> BulkReport:
        """Import a file; raises `BulkError` with the report so far and the line at fault."""

    def export_file(self, host: Host, path: Path, query: Query, options: ExportOptions) -> BulkReport:
        """Export what matches; the file appears under its name when it is complete."""

    def formats(self) -> list[Format]:
        """The formats it can use."""
