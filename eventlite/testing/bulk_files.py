"""Files that are there, that are not, and that stay half done."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventlite.contracts import Bulk, ExportOptions, Host
from eventlite.digest import canonical_line
from eventlite.errors import BulkError
from eventlite.query import Query
from eventlite.testing.bulk_base import BulkSuite, SuiteFormat, export_to, import_from, rows_of, store, write
from eventlite.testing.bulk_events import PLAIN, RICH


class BulkFilesContract(BulkSuite):
    """A file is whole or not there, and its name tells its format."""

    def test_a_file_that_exists_is_kept(self, bulk: Bulk, host: Host, path: Path) -> None:
        path.write_text("mine")
        store(host, RICH)
        with pytest.raises(BulkError, match="exists"):
            export_to(bulk, host, path)
        assert path.read_text() == "mine"
        bulk.export_file(host, path, Query(), ExportOptions(force=True))
        assert path.read_bytes() == b"".join(map(canonical_line, RICH))

    @pytest.mark.parametrize("stop", [KeyboardInterrupt(), BulkError("no more"), OSError("no more")])
    def test_an_export_that_stops_leaves_nothing(
        self, host: Host, path: Path, tmp_path: Path, stop: BaseException
    ) -> None:
        store(host, RICH)
        before = set(tmp_path.iterdir())
        expected = KeyboardInterrupt if isinstance(stop, KeyboardInterrupt) else BulkError
        with pytest.raises(expected):
            export_to(self.make_bulk([SuiteFormat(3, stop)]), host, path)
        assert set(tmp_path.iterdir()) == before

    def test_a_format_that_fails_is_named(self, host: Host, path: Path) -> None:
        store(host, PLAIN)
        failing = self.make_bulk([SuiteFormat(2, ZeroDivisionError("no"))])
        with pytest.raises(BulkError, match="suite failed: ZeroDivisionError"):
            export_to(failing, host, path)
        write(path, {"cmd": "a"}, {"cmd": "b"})
        with pytest.raises(BulkError, match="suite failed: ZeroDivisionError"):
            import_from(failing, host, path, append=True)
        assert len(rows_of(host)) == len(PLAIN) + 1

    @pytest.mark.parametrize("name", ["events", "events.unknown"])
    def test_a_name_that_tells_no_format_is_refused(self, bulk: Bulk, host: Host, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_bytes(canonical_line(PLAIN[0]))
        with pytest.raises(BulkError, match="suite"):
            import_from(bulk, host, tmp_path / name)
        assert import_from(bulk, host, tmp_path / name, format="suite").count == 1

    def test_an_unknown_format_is_refused(self, bulk: Bulk, host: Host, path: Path) -> None:
        with pytest.raises(BulkError, match="'suit'"):
            import_from(bulk, host, path, format="suit")

    def test_a_missing_file_is_an_error(self, bulk: Bulk, host: Host, path: Path) -> None:
        with pytest.raises(BulkError, match=path.name):
            import_from(bulk, host, path)
