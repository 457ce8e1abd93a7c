"""What an import makes of records."""

from __future__ import annotations

from pathlib import Path

import pytest

from eventlite.contracts import Bulk, Host
from eventlite.errors import BulkError, EventLiteError
from eventlite.event import Event, NewEvent, checksum
from eventlite.testing.bulk_base import BulkSuite, digest, export_to, import_from, rows_of, store, write
from eventlite.testing.bulk_events import PLAIN


class ImportingContract(BulkSuite):
    """Ids, causes and keys of what is imported, into a store that may have events."""

    def test_without_ids_events_are_numbered(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"cmd": "a"}, {"cmd": "b", "causation_id": 1}, {"cmd": "c", "correlation_id": "mine"})
        report = import_from(bulk, host, path)
        first, second, third = map(Event, rows_of(host))
        assert [first.id, second.id, third.id] == [1, 2, 3]
        assert (second.causation_id, second.correlation_id) == (1, first.correlation_id)
        assert third.correlation_id == "mine" != first.correlation_id
        assert report.digest == digest(rows_of(host))

    def test_a_store_that_has_events_is_left_alone(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"cmd": "a"})
        host.append_many([NewEvent("mine")])
        with pytest.raises(BulkError, match="has events"):
            import_from(bulk, host, path)
        assert len(rows_of(host)) == 1

    def test_appended_events_get_new_ids_and_keep_their_causes(
        self, bulk: Bulk, host: Host, other: Host, path: Path
    ) -> None:
        store(host, PLAIN)
        export_to(bulk, host, path)
        other.append_many([NewEvent("mine"), NewEvent("mine")])
        report = import_from(bulk, other, path, append=True, batch_size=2)
        rows = rows_of(other)[2:]
        assert [(row[0], row[8]) for row in rows] == [(3, None), (4, 3), (5, 4), (6, None)]
        assert [(*row[1:8], *row[9:12]) for row in rows] == [(*row[1:8], *row[9:12]) for row in PLAIN]
        assert all(checksum(row[1:]) == row[12] for row in rows)
        assert (report.renumbered, report.digest, report.stored_digest) == (True, digest(PLAIN), digest(rows))

    def test_a_cause_that_is_not_there_is_kept_and_counted(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"id": 7, "cmd": "a", "causation_id": 3}, {"id": 8, "cmd": "b", "causation_id": 7})
        with pytest.raises(BulkError, match=r"line 1: .* cause"):
            import_from(bulk, host, path, strict=True)
        assert rows_of(host) == []
        assert import_from(bulk, host, path).dangling == 1
        assert [row[8] for row in rows_of(host)] == [3, 7]

    def test_a_known_key_fails_or_is_skipped(self, bulk: Bulk, host: Host, path: Path) -> None:
        host.append_many([NewEvent("mine", {"n": 0}, key="k")])
        write(path, {"cmd": "a"}, {"cmd": "b", "key": "k"}, {"cmd": "c", "causation_id": 2}, {"cmd": "d", "key": "l"})
        with pytest.raises(BulkError, match=r"line 2: .*'k'"):
            import_from(bulk, host, path, append=True)
        assert len(rows_of(host)) == 1
        report = import_from(bulk, host, path, append=True, on_conflict="skip")
        assert (report.count, report.skipped) == (3, 1)
        assert [(row[5], row[8]) for row in rows_of(host)] == [("mine", None), ("a", None), ("c", 1), ("d", None)]

    def test_an_unknown_way_with_conflicts_is_refused(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"cmd": "a"})
        with pytest.raises(EventLiteError, match="on_conflict"):
            import_from(bulk, host, path, on_conflict="replace")

    def test_columns_can_be_mapped(self, bulk: Bulk, host: Host, path: Path) -> None:
        write(path, {"type": "a", "who": "alice", "n": 1, "user": "not me"})
        import_from(bulk, host, path, mapping={"cmd": "type", "user": "who"})
        (event,) = map(Event, rows_of(host))
        assert (event.cmd, event.user, event.data) == ("a", "alice", {"n": 1, "user": "not me"})
