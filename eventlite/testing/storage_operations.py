"""What else a storage does: waiting, indexes, statistics, loading, closing, reopening."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from eventlite.contracts import INDEXES, Committed, Index, Record, Storage
from eventlite.errors import EventLiteError, StoreClosedError
from eventlite.event import Row
from eventlite.query import Query
from eventlite.statistics import summarise
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

_PATHS = (Index("own_order", path=("order_id",)), Index("own_city", path=("customer", "city")))


class WaitingContract(StorageSuite):
    """Waiting for the head to move."""

    def test_a_wait_for_what_is_there_returns_at_once(self, storage: Storage) -> None:
        first, last = (row[0] for row in append(storage, event(), event()))
        assert [storage.wait(after, PATIENCE) for after in (0, first)] == [last, last]

    def test_a_wait_ends_with_its_timeout(self, storage: Storage) -> None:
        assert storage.wait(0, 0) == 0
        head = append_one(storage)[0]
        assert storage.wait(head, 0.01) == head
        assert storage.wait(head + 5, 0.01) == head

    def test_an_append_ends_a_wait(self, storage: Storage) -> None:
        waits = [in_background(storage.wait, 0, 10 * PATIENCE) for _ in range(2)]
        head = append_one(storage)[0]
        assert [wait.result(PATIENCE) for wait in waits] == [head, head]

    def test_a_transaction_ends_a_wait(self, storage: Storage) -> None:
        wait = in_background(storage.wait, 0, 10 * PATIENCE)
        with storage.transaction() as tx:
            row = tx.append(batch(event())).rows[0]
        assert wait.result(PATIENCE) == row[0]

    def test_closing_ends_a_wait(self, storage: Storage) -> None:
        wait = in_background(storage.wait, 0, 10 * PATIENCE)
        storage.close()
        assert isinstance(wait.exception(PATIENCE), StoreClosedError | None)


class IndexesContract(StorageSuite):
    """Switchable indexes, where there are any, and explanations."""

    def test_indexes_are_built_listed_and_dropped(self, storage: Storage) -> None:
        _require_indexes(storage)
        indexes = sorted([*INDEXES.values(), *_PATHS])
        for index in indexes:
            storage.create_index(index)
        assert storage.indexes() == indexes
        for index in indexes[::2]:
            storage.drop_index(index.name)
        assert storage.indexes() == indexes[1::2]

    def test_indexes_change_no_answer(self, storage: Storage) -> None:
        _require_indexes(storage)
        first = append(storage, event("a", user="x", data={"order_id": "A1"}), event("b", data={"order_id": None}))
        for index in (*INDEXES.values(), *_PATHS):
            storage.create_index(index)
        second = append(storage, event("a", data={"order_id": "a\0"}), event("a", data={"customer": {"city": 1}}))
        everyone = [*first, *second]
        assert everything(storage) == everyone
        for query, wanted in (
            (Query(cmd="a"), [0, 2, 3]),
            (Query(user="x", correlation_id=first[0][7]), [0]),
            (Query(data={"order_id": "A1"}), [0]),
            (Query(data={"order_id": None}), [1]),
            (Query(data={"order_id": "a\0"}), [2]),
            (Query(data={"customer.city": 1.0}), [3]),
        ):
            assert storage.read(query, limit=9) == [everyone[n] for n in wanted]

    def test_an_explanation_is_lines_of_text(self, storage: Storage) -> None:
        for query in (Query(), Query(cmd="a") | Query(tags="t"), Query(data={"a": 1}, user="x")):
            lines = storage.explain(query)
            assert lines
            assert all(isinstance(line, str) and line for line in lines)


class OperationsContract(StorageSuite):
    """Numbers, loading, backup, and the end of a store."""

    def test_statistics_equal_what_reading_everything_gives(self, storage: Storage) -> None:
        assert storage.statistics() == summarise(storage)
        cause = event("a", correlation_id="c")
        append(storage, cause, event("b", cause=cause, user="x", version=2), event("b", cause=cause, version=2))
        storage.commit([batch(event("c"), recorded=-5), batch(event("c"), recorded=2**52)])
        summary = storage.statistics()
        assert summary == summarise(storage)
        assert (summary.events, summary.correlations, summary.roots, summary.children) == (5, 3, 3, 2)
        assert (summary.first, summary.last, summary.head) == (-5, 2**52, storage.head())
        assert (summary.by_cmd, summary.by_version) == ({"a": 1, "b": 2, "c": 2}, {1: 3, 2: 2})

    def test_facts_and_capabilities_are_for_people(self, storage: Storage) -> None:
        assert all(isinstance(name, str) for name in storage.facts())
        assert storage.capabilities.durability
        assert storage.capabilities.max_batch >= 1

    def test_a_sound_store_has_nothing_wrong(self, storage: Storage) -> None:
        assert list(storage.check()) == []
        append(storage, event(tags=["a", "b"], data={"n": 1}), event(key="k"))
        assert list(storage.check()) == []

    @pytest.mark.parametrize("expected", [None, 0, 6, 1_000_000])
    def test_a_load_stores_what_is_committed_in_it(self, storage: Storage, expected: int | None) -> None:
        rows = []
        for _ in range(2):
            with storage.bulk_load(expected):
                rows += append(storage, event("a", tags=["t"]), event("b"))
                rows += append(storage, event("a", tags=["t"], key=f"k{len(rows)}"))
        assert everything(storage) == rows
        assert storage.count(Query(cmd="a", tags="t")) == 4

    def test_a_load_that_raises_keeps_what_was_committed(self, storage: Storage) -> None:
        indexes = storage.indexes()
        with pytest.raises(ZeroDivisionError), storage.bulk_load(10):
            append(storage, event("a"))
            raise ZeroDivisionError
        append(storage, event("b"))
        assert (storage.count(Query(cmd=["a", "b"])), storage.indexes()) == (2, indexes)

    def test_a_backup_is_a_store_of_the_same_events(self, storage: Storage, tmp_path: Path) -> None:
        if not storage.capabilities.backup:
            left_out("backup")
        rows = append(storage, event(tags=["t"]), event(key="k"))
        storage.backup(tmp_path / "copy")
        append(storage, event())
        with closing(self.open_storage(tmp_path / "copy")) as copy:
            assert everything(copy) == rows
            assert copy.read(Query(tags="t"), limit=9) == rows[:1]
            assert not _outcome(copy, key="k").new

    def test_a_backup_replaces_nothing(self, storage: Storage, tmp_path: Path) -> None:
        if not storage.capabilities.backup:
            left_out("backup")
        target = tmp_path / "copy"
        target.write_text("precious")
        with pytest.raises(EventLiteError):
            storage.backup(target)
        assert target.read_text() == "precious"

    def test_closing_twice_is_fine(self, storage: Storage) -> None:
        append_one(storage)
        storage.close()
        storage.close()

    @pytest.mark.parametrize(
        "call",
        [
            lambda storage: storage.head(),
            lambda storage: storage.get(1),
            lambda storage: storage.read(Query(), limit=1),
            lambda storage: storage.count(Query()),
            lambda storage: storage.last(Query()),
            lambda storage: storage.wait(0, 0),
            lambda storage: storage.commit([batch(event())]),
            lambda storage: storage.transaction().__enter__(),
            lambda storage: storage.snapshot().__enter__(),
            lambda storage: storage.statistics(),
        ],
        ids=["head", "get", "read", "count", "last", "wait", "commit", "transaction", "snapshot", "statistics"],
    )
    def test_a_closed_store_says_so(self, storage: Storage, call: Callable[[Storage], object]) -> None:
        append_one(storage)
        storage.close()
        with pytest.raises(StoreClosedError):
            call(storage)

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    @pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
    def test_a_forked_child_is_refused(self, storage: Storage) -> None:
        head = append_one(storage)[0]
        child = os.fork()
        if child == 0:
            os._exit(_refusals(storage))
        assert os.waitstatus_to_exitcode(elsewhere(os.waitpid, child, 0)[1]) == 2
        assert storage.head() == head
        assert append_one(storage)[0] > head


class PersistenceContract(StorageSuite):
    """What is still there after closing and opening again."""

    def test_a_reopened_store_has_everything(self, storage: Storage, place: Path) -> None:
        _require_persistence(storage)
        cause = event("a", tags=["t"], key="k", data={"n": [1, 1.0]})
        rows = append(storage, cause, event("b", cause=cause))
        with storage.transaction() as tx:
            tx.state.put("space", "name", {"n": 1}, due=5)
        storage.close()
        with closing(self.open_storage(place)) as reopened:
            assert (reopened.head(), everything(reopened)) == (rows[-1][0], rows)
            assert reopened.read(Query(tags="t"), limit=9) == rows[:1]
            assert not _outcome(reopened, cmd="a", tags=["t"], key="k", data={"n": [1, 1.0]}).new
            with reopened.snapshot() as snapshot:
                assert snapshot.state.list("space") == [Record("name", {"n": 1}, 1, 5)]

    def test_a_reopened_store_reuses_no_id(self, storage: Storage, place: Path) -> None:
        _require_persistence(storage)
        last = append(storage, event(), event())[-1]
        storage.close()
        with closing(self.open_storage(place)) as reopened:
            assert append_one(reopened)[0] > last[0]

    def test_a_reopened_store_has_its_indexes(self, storage: Storage, place: Path) -> None:
        _require_persistence(storage)
        _require_indexes(storage)
        append_one(storage)
        for index in (INDEXES["user_datetime"], *_PATHS):
            storage.create_index(index)
        storage.close()
        with closing(self.open_storage(place)) as reopened:
            assert reopened.indexes() == sorted([INDEXES["user_datetime"], *_PATHS])

    def test_other_places_are_other_stores(self, storage: Storage, tmp_path: Path) -> None:
        append_one(storage)
        with closing(self.open_storage(tmp_path / "other")) as other:
            assert other.head() == 0


def _require_indexes(storage: Storage) -> None:
    if not storage.capabilities.indexes:
        left_out("indexes")


def _require_persistence(storage: Storage) -> None:
    if not storage.capabilities.persistent:
        left_out("persistent")


def _outcome(storage: Storage, **fields: Any) -> Committed:
    outcome = offer(storage, event(**fields))
    assert isinstance(outcome, Committed)
    return outcome


def _refusals(storage: Storage) -> int:
    """How many of a read and an append are refused; 99 for anything unforeseen."""
    calls: list[Callable[[], int | list[Row]]] = [storage.head, lambda: append(storage, event())]
    try:
        return sum(_is_refused(call) for call in calls)
    except BaseException:  # the child must end here, not in pytest
        return 99


def _is_refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except StoreClosedError:
        return True
    return False
