"""Transactions, the records that live beside the events, and snapshots."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import Record, Storage
from eventlite.errors import ConflictError, EventLiteError, InvalidEventError
from eventlite.event import Row
from eventlite.query import Condition, Query
from eventlite.testing.capabilities import left_out
from eventlite.testing.storage_base import (
    PATIENCE,
    StorageSuite,
    append,
    append_one,
    batch,
    elsewhere,
    event,
    everything,
    in_background,
    offer,
)


class Unwanted(Exception):  # noqa: N818 - what a test raises to end a transaction
    """Raised inside a transaction."""


class TransactionsContract(StorageSuite):
    """A unit of work is stored as a whole, or not at all."""

    def test_a_transaction_is_stored_when_its_block_ends(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            rows = [*tx.append(batch(event("a"))).rows, *tx.append(batch(event("b"), event("c"))).rows]
            tx.state.put("space", "name", {"n": 1})
        assert everything(storage) == rows
        with storage.snapshot() as snapshot:
            assert snapshot.state.get("space", "name") == Record("name", {"n": 1}, 1, None)

    @pytest.mark.parametrize("error", [Unwanted, KeyboardInterrupt])
    def test_a_transaction_that_raises_leaves_nothing(self, storage: Storage, error: type[BaseException]) -> None:
        kept = append_one(storage, event(key="kept"))
        with pytest.raises(error), storage.transaction() as tx:
            tx.append(batch(event(key="k", tags=["t"])))
            tx.state.put("space", "name", {})
            raise error
        assert everything(storage) == [kept]
        assert storage.read(Query(tags="t"), limit=9) == []
        with storage.transaction() as tx:
            assert tx.state.get("space", "name") is None
            committed = tx.append(batch(event("other", key="k")))
            assert committed.new
            assert not tx.append(batch(event(key="kept"))).new
        assert everything(storage) == [kept, *committed.rows]

    def test_it_sees_its_own_appends(self, storage: Storage) -> None:
        before = append_one(storage)
        with storage.transaction() as tx:
            row = tx.append(batch(event(tags=["t"], key="k"))).rows[0]
            assert (tx.head(), tx.get(row[0]), everything(tx)) == (row[0], row, [before, row])
            assert (tx.count(Query()), tx.last(Query(tags="t"))) == (2, row[0])
            assert not tx.append(batch(event(tags=["t"], key="k"))).new
            with pytest.raises(ConflictError):
                tx.append(batch(event(), condition=Condition(Query(tags="t"))))

    def test_it_finds_events_by_key(self, storage: Storage) -> None:
        before = append_one(storage, event(key="before"))
        with storage.transaction() as tx:
            own = tx.append(batch(event(key="own"))).rows[0]
            assert (tx.by_key("before"), tx.by_key("own"), tx.by_key("none")) == (before, own, None)

    def test_a_refusal_is_raised_and_the_transaction_goes_on(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            first = tx.append(batch(event("a"))).rows[0]
            with pytest.raises(InvalidEventError):
                tx.append(batch(event("b", tags=["t"]), event("c", cause=99)))
            second = tx.append(batch(event("d"))).rows[0]
        assert everything(storage) == [first, second]
        assert storage.count(Query(tags="t")) == 0

    def test_nobody_sees_what_is_not_committed(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            tx.append(batch(event()))
            tx.state.put("space", "name", {})
            assert elsewhere(_seen, storage) == (0, [], None)
        assert _seen(storage)[0] == 1

    def test_other_writers_wait(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            other = in_background(append_one, storage)
            rows = [tx.append(batch(event())).rows[0] for _ in range(20)]
        assert everything(storage)[:20] == rows
        assert other.result(PATIENCE)[0] > rows[-1][0]

    def test_writing_beside_ones_own_transaction_is_an_error(self, storage: Storage) -> None:
        def write() -> None:
            with storage.transaction(), pytest.raises(EventLiteError):
                offer(storage, event())

        elsewhere(write)
        assert append_one(storage)

    def test_a_writer_may_be_any_thread(self, storage: Storage) -> None:
        rows = [elsewhere(append_one, storage) for _ in range(3)]
        assert elsewhere(everything, storage) == rows

    def test_a_transaction_has_a_connection_where_there_is_sql(self, storage: Storage) -> None:
        if storage.capabilities.sql is None:
            left_out("sql")
        with storage.transaction() as tx:
            cursor = tx.connection.cursor()
            cursor.execute("SELECT 1")
            assert tuple(cursor.fetchone()) == (1,)


class SnapshotsContract(StorageSuite):
    """A snapshot is one moment."""

    def test_a_snapshot_stays_as_it_was(self, storage: Storage) -> None:
        row = append_one(storage, event(tags=["t"]))
        _put(storage, "name", {"n": 1})
        with storage.snapshot() as snapshot:
            assert snapshot.head() == row[0]
            append(storage, event(tags=["t"]), event())
            _put(storage, "name", {"n": 2})
            assert (snapshot.head(), everything(snapshot), snapshot.get(row[0] + 1)) == (row[0], [row], None)
            assert (snapshot.count(Query(tags="t")), snapshot.last(Query(tags="t"))) == (1, row[0])
            assert snapshot.state.list("space") == [Record("name", {"n": 1}, 1, None)]
        with storage.snapshot() as snapshot:
            assert (snapshot.count(Query()), snapshot.state.list("space")[0].version) == (3, 2)

    def test_a_snapshot_waits_for_no_writer(self, storage: Storage) -> None:
        row = append_one(storage)
        with storage.transaction() as tx:
            tx.append(batch(event()))
            assert elsewhere(_seen, storage) == (row[0], [row], None)


class StateContract(StorageSuite):
    """Small versioned records."""

    def test_versions_count_from_1(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            assert tx.state.get("space", "name") is None
            assert [tx.state.put("space", "name", {"n": n}) for n in range(3)] == [1, 2, 3]
            assert tx.state.get("space", "name") == Record("name", {"n": 2}, 3, None)

    def test_expected_versions(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            assert tx.state.put("space", "name", {"n": 1}, expected=0) == 1
            assert tx.state.put("space", "name", {"n": 2}, expected=1) == 2
            for stale in (0, 1, 3):
                with pytest.raises(ConflictError):
                    tx.state.put("space", "name", {}, expected=stale)
                with pytest.raises(ConflictError):
                    tx.state.delete("space", "name", expected=stale)
            with pytest.raises(ConflictError):
                tx.state.put("space", "new", {}, expected=1)
        assert _records(storage) == [Record("name", {"n": 2}, 2, None)]

    def test_delete(self, storage: Storage) -> None:
        _put(storage, "name", {})
        with storage.transaction() as tx:
            assert not tx.state.delete("space", "other")
            assert not tx.state.delete("space", "other", expected=0)
            assert not tx.state.delete("other", "name")
            assert tx.state.delete("space", "name", expected=1)
            assert tx.state.get("space", "name") is None
            assert tx.state.put("space", "name", {}, expected=0) == 1
            assert tx.state.delete("space", "name")
        assert _records(storage) == []

    def test_any_json_object_is_a_value(self, storage: Storage) -> None:
        value = {"z": [1, 1.0, True, None, {"": "é\0🎉"}], "a": 2**64 - 1}
        _put(storage, "name", value)
        assert repr(_records(storage)[0].value) == repr(value)

    def test_a_name_that_is_no_text_is_refused(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            for namespace, name in (("space", "\ud800"), ("\ud800", "name"), ("space", 5)):
                with pytest.raises(InvalidEventError):
                    tx.state.put(namespace, name, {})  # type: ignore[arg-type]
            tx.state.put("space", "name", {})
        assert [record.name for record in _records(storage)] == ["name"]

    def test_a_value_is_nobodys_but_the_stores(self, storage: Storage) -> None:
        mine: dict[str, Any] = {"list": [1]}
        with storage.transaction() as tx:
            tx.state.put("space", "name", mine)
            mine["list"].append(2)
            record = tx.state.get("space", "name")
            assert record is not None
            record.value["list"].append(3)
        assert _records(storage)[0].value == {"list": [1]}

    def test_a_list_is_in_the_order_of_code_points(self, storage: Storage) -> None:
        names = ["A", "Z", "a", "a b", "aa", "é", "\uffff", "🎉"]
        for name in reversed(names):
            _put(storage, name, {})
        with storage.snapshot() as snapshot:
            pages = [snapshot.state.list("space", after=after, limit=3) for after in ("", "a", "é")]
            assert snapshot.state.list("space", after=names[-1]) == []
        assert [record.name for page in pages for record in page] == names

    def test_namespaces_are_apart(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            for namespace in ("space", "spa", "space2", "Space"):
                tx.state.put(namespace, "name", {"in": namespace}, due=1)
            assert [record.value for record in tx.state.list("space")] == [{"in": "space"}]
            assert [record.value for record in tx.state.due("space", 1)] == [{"in": "space"}]

    def test_due_records_come_earliest_first(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            for name, due in {"c": 30, "a": 20, "b": 10, "never": None, "d": -5}.items():
                tx.state.put("space", name, {}, due=due)
            assert [record.name for record in tx.state.due("space", 20)] == ["d", "b", "a"]
            assert [record.due for record in tx.state.due("space", 2**60)] == [-5, 10, 20, 30]
            assert [record.name for record in tx.state.due("space", 30, limit=2)] == ["d", "b"]
            assert tx.state.due("space", -6) == []

    def test_a_put_replaces_the_due_time(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            tx.state.put("space", "name", {}, due=1)
            tx.state.put("space", "name", {}, due=5)
            assert (tx.state.due("space", 4), tx.state.due("space", 5)[0].due) == ([], 5)
            tx.state.put("space", "name", {})
            assert tx.state.due("space", 2**60) == []

    def test_a_conflict_leaves_the_transaction_usable(self, storage: Storage) -> None:
        with storage.transaction() as tx:
            tx.state.put("space", "first", {})
            with pytest.raises(ConflictError):
                tx.state.put("space", "first", {}, expected=7)
            tx.state.put("space", "second", {})
        assert [record.name for record in _records(storage)] == ["first", "second"]


def _seen(storage: Storage) -> tuple[int, list[Row], Record | None]:
    with storage.snapshot() as snapshot:
        return snapshot.head(), everything(snapshot), snapshot.state.get("space", "name")


def _put(storage: Storage, name: str, value: dict[str, Any]) -> None:
    with storage.transaction() as tx:
        tx.state.put("space", name, value)


def _records(storage: Storage) -> list[Record]:
    with storage.snapshot() as snapshot:
        return snapshot.state.list("space")
