"""The contract of indexing, as tests."""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar, NoReturn

import pytest

from eventlite.contracts import INDEXES, Index, Indexing, Storage
from eventlite.errors import InvalidQueryError
from eventlite.testing.capabilities import left_out

_OWN = Index("suite_own", path=("suite", "own"))


class IndexingContract:
    """Subclass it, name the plugin in `covers`, give a storage, and make the policy:

    class TestMyIndexing(IndexingContract):
        covers = "indexing:mine"

        @pytest.fixture
        def storage(self, tmp_path):
            with closing(my_storage(tmp_path)) as storage:
                yield storage

        def make_indexing(self, storage):
            return MyIndexing(storage)
    """

    covers: ClassVar[str]

    @pytest.fixture
    def storage(self) -> Any:
        """An open storage without events and without switchable indexes, closed after the test."""
        raise NotImplementedError("define the fixture `storage`")

    def make_indexing(self, storage: Storage) -> Indexing:
        """The policy for an open storage."""
        raise NotImplementedError("define make_indexing(storage)")

    @pytest.fixture
    def indexing(self, storage: Storage) -> Indexing:
        if not storage.capabilities.indexes:
            left_out("indexes")
        return self.make_indexing(storage)

    def test_declared_indexes_have_names_of_their_own(self, indexing: Indexing) -> None:
        names = [index.name for index in indexing.declared()]
        assert len(set(names)) == len(names)
        assert all(index == INDEXES.get(index.name, index) for index in indexing.declared())

    def test_what_is_returned_cannot_change_the_policy(self, indexing: Indexing) -> None:
        before = indexing.declared()
        indexing.declared().append(_OWN)
        indexing.active().append("user")
        assert (indexing.declared(), indexing.active()) == (before, [])

    def test_making_a_policy_neither_builds_nor_drops(self, storage: Storage, indexing: Indexing) -> None:
        storage.create_index(INDEXES["version"])
        self.make_indexing(storage)
        assert indexing.active() == ["version"]

    def test_active_is_what_the_storage_has(self, storage: Storage, indexing: Indexing) -> None:
        for index in (INDEXES["user"], INDEXES["cmd"], _OWN):
            storage.create_index(index)
        assert sorted(indexing.active()) == ["cmd", "suite_own", "user"]

    def test_names_make_the_set_exact(self, storage: Storage, indexing: Indexing) -> None:
        for names in (["cmd", "user"], ["user", "datetime"], [*INDEXES], ["cmd"], []):
            assert sorted(indexing.apply(names)) == sorted(names)
            assert {index.name: index for index in storage.indexes()} == {name: INDEXES[name] for name in names}

    def test_a_name_given_twice_is_one_index(self, indexing: Indexing) -> None:
        assert indexing.apply(["cmd", "cmd"]) == ["cmd"]

    def test_applying_again_takes_no_step(self, indexing: Indexing) -> None:
        indexing.apply(["cmd", "user"])
        steps: list[str] = []
        assert sorted(indexing.apply(["user", "cmd"], progress=lambda what, *_: steps.append(what))) == ["cmd", "user"]
        assert steps == []

    def test_an_index_that_only_the_store_knows_can_be_named(self, storage: Storage, indexing: Indexing) -> None:
        storage.create_index(_OWN)
        assert sorted(indexing.apply(["suite_own", "cmd"])) == ["cmd", "suite_own"]
        assert _OWN in storage.indexes()

    def test_an_unknown_name_is_refused_and_nothing_changes(self, indexing: Indexing) -> None:
        indexing.apply(["user"])
        with pytest.raises(InvalidQueryError, match="no_such_index"):
            indexing.apply(["cmd", "no_such_index"])
        assert indexing.active() == ["user"]

    def test_a_name_is_never_sql(self, storage: Storage, indexing: Indexing) -> None:
        with pytest.raises(InvalidQueryError):
            indexing.apply(['cmd"; DROP TABLE event; --'])
        assert (storage.indexes(), storage.head()) == ([], 0)

    def test_the_difference_is_what_apply_does(self, storage: Storage, indexing: Indexing) -> None:
        for index in (INDEXES["version"], INDEXES["correlation_id"], _OWN):
            storage.create_index(index)
        before = set(indexing.active())
        missing, superfluous = indexing.difference()
        assert indexing.difference() == (missing, superfluous), "asking changes nothing"
        assert set(indexing.apply()) == (before - set(superfluous)) | set(missing)
        assert indexing.difference() == ([], [])

    def test_the_difference_names_only_what_differs(self, storage: Storage, indexing: Indexing) -> None:
        storage.create_index(INDEXES["version"])
        missing, superfluous = indexing.difference()
        declared = {index.name for index in indexing.declared()}
        assert set(missing) <= declared - {"version"}
        assert set(superfluous) <= {"version"} - declared

    def test_apply_without_names_brings_the_declared_ones(self, indexing: Indexing) -> None:
        declared = {index.name for index in indexing.declared()}
        assert set(indexing.apply()) >= declared

    def test_progress_counts_up_to_the_end(self, indexing: Indexing) -> None:
        indexing.apply(["user"])
        told: list[tuple[str, int, int]] = []
        indexing.apply(["cmd", "datetime"], progress=lambda *step: told.append(step))
        assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
        assert (told[0][1], told[-1][1]) == (0, told[-1][2])
        assert len({total for _, _, total in told}) == 1
        assert all(any(name in what for what, _, _ in told) for name in ("cmd", "datetime", "user"))

    def test_an_interrupted_apply_can_be_repeated(self, storage: Storage, indexing: Indexing) -> None:
        indexing.apply(["user"])

        def interrupt(_what: str, done: int, _total: int) -> None:
            if done == 1:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            indexing.apply(["cmd", "datetime"], progress=interrupt)
        assert sorted(self.make_indexing(storage).apply(["cmd", "datetime"])) == ["cmd", "datetime"]

    def test_a_storage_without_indexes_is_left_alone(self, storage: Storage) -> None:
        indexing = self.make_indexing(_Unindexed(storage))  # type: ignore[arg-type]
        assert (indexing.active(), indexing.difference()) == ([], ([], []))
        assert (indexing.apply(), indexing.apply(["cmd"])) == ([], [])
        with pytest.raises(InvalidQueryError):
            indexing.apply(["no_such_index"])


class _Unindexed:
    """A storage as it looks to a policy when it has no switchable indexes: it must not even be asked for them."""

    def __init__(self, storage: Storage) -> None:
        self.capabilities = dataclasses.replace(storage.capabilities, indexes=False)
        self.head = storage.head

    def indexes(self) -> NoReturn:
        raise AssertionError("asked for indexes")

    def create_index(self, index: Index) -> NoReturn:
        raise AssertionError(f"asked to build {index.name}")

    def drop_index(self, name: str) -> NoReturn:
        raise AssertionError(f"asked to drop {name}")
