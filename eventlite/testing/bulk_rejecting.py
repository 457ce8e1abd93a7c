"""Records that cannot be imported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eventlite.contracts import Bulk, BulkReport, Host
from eventlite.errors import BulkError
from eventlite.testing.bulk_base import BulkSuite, import_from, rows_of, write


class RejectingContract(BulkSuite):
    """A broken record stops the import, undoes it, or is put aside."""

    def test_a_broken_record_is_named_and_all_before_it_kept(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"cmd": "a"}, {"cmd": "b"}, {"cmd": "c"})
        path.write_bytes(path.read_bytes() + b'{"cmd":"d')
        with pytest.raises(BulkError, match="line 4") as raised:
            import_from(bulk, host, path, batch_size=2)
        assert [row[5] for row in rows_of(host)] == ["a", "b", "c"]
        assert isinstance(raised.value.report, BulkReport)
        assert raised.value.report.count == 3

    def test_all_or_nothing(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"cmd": "a"}, {"cmd": "b"}, {"cmd": ""})
        with pytest.raises(BulkError, match="line 3") as raised:
            import_from(bulk, host, path, atomic=True, batch_size=1)
        assert rows_of(host) == []
        assert isinstance(raised.value.report, BulkReport)
        assert raised.value.report.count == 0
        write(path, {"cmd": "a"}, {"cmd": "b"}, {"cmd": "c"})
        assert import_from(bulk, host, path, atomic=True, batch_size=1).count == 3

    def test_rejected_records_are_written_elsewhere(self, bulk: Bulk, host: Host, path: Path, tmp_path: Path) -> None:
        write(path, {"cmd": "a"}, {"cmd": ""}, {"cmd": "b"}, {"cmd": "c", "wrong": 1})
        path.write_bytes(path.read_bytes() + b"{broken\n")
        report = import_from(bulk, host, path, rejects=tmp_path / "rejects.jsonl")
        assert (report.count, report.rejected) == (2, 3)
        rejects = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_bytes().splitlines()]
        assert [reject["line"] for reject in rejects] == [2, 4, 5]
        assert "cmd" in rejects[0]["reason"]
        assert "wrong" in rejects[1]["reason"]
