"""Bulk input and output over files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from eventlite.contracts import BulkReport, ExportOptions, Format, Host, ImportOptions
from eventlite.errors import BulkError
from eventlite.query import Query
from eventlite_files.exporting import export_file
from eventlite_files.importing import import_file
from eventlite_files.picking import offered, pick
from eventlite_files.settings import Settings
from eventlite_files.source import FileSource


class FileBulk:
    """Imports and exports files in the formats that the profile names."""

    def __init__(self, settings: Settings, formats: Sequence[Format]) -> None:
        self._settings = settings
        self._formats = offered(settings.formats, formats)

    def import_file(self, host: Host, path: Path, options: ImportOptions) -> BulkReport:
        """Import a file; `-` is standard input, as JSONL unless `options.format` says otherwise."""
        if options.on_conflict not in ("fail", "skip"):
            raise BulkError(f"on_conflict must be 'fail' or 'skip', not {options.on_conflict!r}")
        format = pick(options.format, path, self._formats)
        source = FileSource(path, self._settings.max_line_bytes, self._settings.max_total_bytes)
        with closing(source):
            return import_file(host, source, format, options, self._size(host, options.batch_size))

    def export_file(self, host: Host, path: Path, query: Query, options: ExportOptions) -> BulkReport:
        """Export what matches; `-` is standard output, as JSONL unless `options.format` says otherwise."""
        format = pick(options.format, path, self._formats)
        return export_file(host, path, query, format, options, self._size(host, options.batch_size))

    def formats(self) -> list[Format]:
        """The formats it can use."""
        return list(self._formats.values())

    def _size(self, host: Host, wanted: int | None) -> int:
        capabilities = host.storage.capabilities
        size = self._settings.batch_size or capabilities.bulk_batch if wanted is None else wanted
        if type(size) is not int or size < 1:
            raise BulkError(f"batch_size must be a number from 1 on, not {size!r}")
        return min(size, capabilities.max_batch)
