"""Imports that were interrupted."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from eventlite.contracts import Bulk, Host
from eventlite.errors import BulkError
from eventlite.event import NewEvent
from eventlite.testing.bulk_base import BulkSuite, SuiteFormat, digest, import_from, rows_of, write
from eventlite.testing.host import StorageHost

_MOMENT = "2026-01-31T12:00:00Z"


class ResumingContract(BulkSuite):
    """An import goes on where it was, and only with the same file."""

    @pytest.mark.parametrize("append", [False, True])
    def test_an_interrupted_import_goes_on_where_it_was(
        self, host: Host, path: Path, tmp_path: Path, append: bool
    ) -> None:
        before = host.append_many([NewEvent("mine")]) if append else []
        write(
            path,
            *(
                {"id": 3 * n, "cmd": f"c{n}", "causation_id": 3 * n - 3 or None, "datetime": _MOMENT}
                | ({"correlation_id": "c"} if n == 1 else {})
                for n in range(1, 26)
            ),
        )
        for stop in (8, 19):
            with pytest.raises(KeyboardInterrupt):
                import_from(self.make_bulk([SuiteFormat(stop)]), host, path, append=append, batch_size=5)
        report = import_from(self.make_bulk([SuiteFormat()]), host, path, append=append, batch_size=4)
        rows = rows_of(host)[len(before) :]
        assert [row[5] for row in rows] == [f"c{n}" for n in range(1, 26)]
        assert [row[8] for row in rows] == [None, *(row[0] for row in rows[:-1])]
        assert (report.count, report.resumed) == (10, 15)
        assert (report.stored_digest if append else report.digest) == digest(rows)
        with closing(self.open_store(tmp_path / "third")) as storage:
            at_once = import_from(self.make_bulk([SuiteFormat()]), StorageHost(storage), path)
        assert at_once.digest == report.digest

    def test_another_file_in_its_place_is_not_gone_on_with(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, *({"cmd": f"c{n}", "datetime": _MOMENT} for n in range(9)))
        with pytest.raises(KeyboardInterrupt):
            import_from(self.make_bulk([SuiteFormat(8)]), host, path, batch_size=3)
        write(path, *({"cmd": f"d{n}", "datetime": _MOMENT} for n in range(9)))
        with pytest.raises(BulkError, match="not the file"):
            import_from(bulk, host, path)
        assert len(rows_of(host)) == 6
        report = import_from(bulk, host, path, restart=True, append=True)
        assert (report.count, report.resumed, len(rows_of(host))) == (9, 0, 15)

    def test_a_finished_import_is_not_gone_on_with(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, *({"cmd": f"c{n}"} for n in range(9)))
        assert import_from(bulk, host, path, batch_size=2).count == 9
        assert import_from(bulk, host, path, batch_size=2, append=True).count == 9
        assert len(rows_of(host)) == 18
