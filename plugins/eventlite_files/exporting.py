"""Events out of the store into a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from eventlite.contracts import BulkReport, ExportOptions, Format, Host
from eventlite.digest import Digest
from eventlite.errors import BulkError, CorruptionError, EventLiteError
from eventlite.event import Row, rewritten, verify_checksum
from eventlite.query import Query
from eventlite_files.compression import compressed
from eventlite_files.salvaging import Salvage
from eventlite_files.sink import whole_file
from eventlite_files.tally import span

# Characters of payload that are read at a time, as far as that can be foreseen.
_MOST = 32 * 2**20
_FIRST_READ = 100

_SALVAGE = "`eventlite verify` tells more; what can still be read is written with --salvage (salvage=True)."


class _Reader(Protocol):
    """A storage, or what can be read of it."""

    def head(self) -> int: ...

    def read(self, query: Query, *, after: int, before: int, limit: int) -> list[Row]: ...


def export_file(host: Host, path: Path, query: Query, format: Format, options: ExportOptions, size: int) -> BulkReport:
    """Write what matches as of now, at most `size` events at a time; raises `BulkError`."""
    report = BulkReport()
    try:
        with whole_file(path, force=options.force) as file, compressed(path, file) as target:
            _write(format, _rows(host, query, options, size, report), target)
    except BulkError as error:
        error.report = report
        raise
    except EventLiteError as error:
        hint = _SALVAGE if isinstance(error, CorruptionError) else error.hint
        raise BulkError(f"{path} was not written: {error.message}", hint=hint, report=report) from error
    return report


def _write(format: Format, rows: Iterator[Row], target: BinaryIO) -> None:
    """Let the format write. It is another's code: whatever it raises names it."""
    try:
        format.write(rows, target)
    except (EventLiteError, OSError):
        raise
    except Exception as error:
        raise BulkError(f"the format {format.name} failed: {type(error).__name__}: {error}") from error


def _rows(host: Host, query: Query, options: ExportOptions, size: int, report: BulkReport) -> Iterator[Row]:
    """The events, taken into the report on their way."""
    salvage = Salvage(host.storage) if options.salvage else None
    digest, before = Digest(), (salvage or host.storage).head() + 1
    total = 0 if options.progress is None or salvage else host.storage.count(query, before=before)
    for rows in _batches(salvage or host.storage, query, before, size):
        for row in rows:
            verify_checksum(row)
        if options.upcast:
            rows = list(map(rewritten, host.events(rows)))  # noqa: PLW2901
        digest.add(rows)
        report.count += len(rows)
        span(rows, report)
        yield from rows
        if options.progress is not None:
            options.progress(report.count, total)
    report.digest = digest.hexdigest()
    if salvage is not None and salvage.gaps:
        report.notes.append(salvage.note())
    if host.storage.capabilities.salvaged:
        report.notes.append(f"The store is damaged and ends at event {before - 1}; what came after could not be read.")


def _batches(reader: _Reader, query: Query, before: int, size: int) -> Iterator[list[Row]]:
    """Few events at first, then as many as fit into the memory, to judge by those before."""
    after, limit = 0, min(size, _FIRST_READ)
    while rows := reader.read(query, after=after, before=before, limit=limit):
        yield rows
        after = rows[-1][0]
        average = sum(len(row[6]) + len(row[9]) for row in rows) // len(rows) + 1
        limit = max(1, min(size, limit * 10, _MOST // average))
