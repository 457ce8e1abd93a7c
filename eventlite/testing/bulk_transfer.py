"""Out into a file and back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from eventlite.contracts import Bulk, ExportOptions, Host
from eventlite.digest import canonical_line
from eventlite.query import Query
from eventlite.testing.bulk_base import BulkSuite, digest, export_to, import_from, rows_of, store
from eventlite.testing.bulk_events import RICH


class TransferContract(BulkSuite):
    """What goes out comes back as it was."""

    def test_it_offers_the_formats_it_was_given(self, bulk: Bulk) -> None:
        assert [format.name for format in bulk.formats()] == ["suite"]

    def test_what_was_exported_is_imported_as_it_was(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        store(host, RICH)
        exported = export_to(bulk, host, path)
        imported = import_from(bulk, other, path)
        assert rows_of(other) == list(RICH)
        assert (exported.count, imported.count) == (len(RICH), len(RICH))
        assert (imported.first_id, imported.last_id) == (1, 2**53 - 1)
        assert exported.digest == imported.digest == digest(RICH)
        assert not imported.renumbered

    def test_the_span_of_time_is_reported(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        store(host, RICH)
        for report in (export_to(bulk, host, path), import_from(bulk, other, path)):
            assert report.first_time == min(row[2] for row in RICH)
            assert report.last_time == max(row[2] for row in RICH)

    def test_no_events_are_a_file_too(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        exported, imported = export_to(bulk, host, path), import_from(bulk, other, path)
        assert (exported.count, imported.count, rows_of(other)) == (0, 0, [])
        assert exported.digest == imported.digest == hashlib.sha256().hexdigest()

    def test_only_what_matches_is_exported(self, bulk: Bulk, host: Host, path: Path) -> None:
        store(host, RICH)
        report = bulk.export_file(host, path, Query(cmd="sent"), ExportOptions())
        chosen = [row for row in RICH if row[5] == "sent"]
        assert (report.count, report.digest) == (2, digest(chosen))
        assert path.read_bytes() == b"".join(map(canonical_line, chosen))

    @pytest.mark.parametrize("size", [1, 2, 3, 1000])
    def test_the_size_of_batches_changes_nothing(
        self, bulk: Bulk, host: Host, other: Host, path: Path, size: int
    ) -> None:
        store(host, RICH)
        bulk.export_file(host, path, Query(), ExportOptions(batch_size=size))
        assert import_from(bulk, other, path, batch_size=size).digest == digest(RICH)
        assert rows_of(other) == list(RICH)

    def test_progress_is_told(self, bulk: Bulk, host: Host, other: Host, path: Path) -> None:
        store(host, RICH)
        exports: list[tuple[int, int]] = []
        imports: list[tuple[int, int, int]] = []
        bulk.export_file(host, path, Query(), ExportOptions(progress=lambda *told: exports.append(told)))
        import_from(bulk, other, path, batch_size=2, progress=lambda *told: imports.append(told))
        assert exports[-1] == (len(RICH), len(RICH))
        assert [told[0] for told in imports] == [2, 4, 6]
        assert all(0 <= done <= size == path.stat().st_size for _, done, size in imports)
