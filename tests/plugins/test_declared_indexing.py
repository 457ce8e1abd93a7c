"""The `declared` policy: the contract, its settings, and indexes over paths inside the payload."""

from __future__ import annotations

import pytest
from eventlite_indexing.declared import Settings, eventlite_make_indexing
from pydantic import ValidationError

from eventlite.contracts import INDEXES, Index, Indexing, Storage
from eventlite.errors import InvalidQueryError
from eventlite.testing import IndexingContract


class TestDeclared(IndexingContract):
    covers = "indexing:declared"

    @pytest.fixture
    def storage(self, storage: Storage) -> Storage:
        return storage

    def make_indexing(self, storage: Storage) -> Indexing:
        return eventlite_make_indexing(Settings(), storage)


class TestDeclaredWithPaths(TestDeclared):
    def make_indexing(self, storage: Storage) -> Indexing:
        settings = Settings(indexes=["cmd", "user_datetime"], paths={"city": "data.customer.city"})
        return eventlite_make_indexing(settings, storage)


def test_the_default_is_the_two_core_indexes(storage):
    indexing = eventlite_make_indexing(Settings(), storage)
    assert indexing.declared() == [INDEXES["correlation_id"], INDEXES["causation_id"]]
    assert indexing.difference() == (["correlation_id", "causation_id"], [])


def test_a_path_becomes_an_index_over_the_payload(storage):
    indexing = eventlite_make_indexing(Settings(indexes=[], paths={"city": "data.customer.city"}), storage)
    assert indexing.apply() == ["city"]
    assert storage.indexes() == [Index("city", path=("customer", "city"))]


def test_a_path_that_changed_is_a_difference_and_is_rebuilt(storage):
    eventlite_make_indexing(Settings(indexes=[], paths={"order": "data.order"}), storage).apply()
    changed = eventlite_make_indexing(Settings(indexes=[], paths={"order": "data.order_id"}), storage)
    assert changed.difference() == (["order"], ["order"])
    assert changed.apply() == ["order"]
    assert storage.indexes() == [Index("order", path=("order_id",))]


def test_declaring_nothing_makes_the_set_empty(storage):
    storage.create_index(INDEXES["user"])
    indexing = eventlite_make_indexing(Settings(indexes=[]), storage)
    assert indexing.difference() == ([], ["user"])
    assert indexing.apply() == []


def test_an_index_named_twice_is_declared_once(storage):
    assert len(eventlite_make_indexing(Settings(indexes=["cmd", "cmd"]), storage).declared()) == 1


def test_a_misspelt_name_is_answered_with_the_right_one(storage):
    with pytest.raises(InvalidQueryError, match=r"'usr'\s+Did you mean 'user'"):
        eventlite_make_indexing(Settings(), storage).apply(["usr"])


def test_a_hopeless_name_is_answered_with_all_of_them(storage):
    with pytest.raises(InvalidQueryError, match="causation_id, cmd, datetime"):
        eventlite_make_indexing(Settings(), storage).apply(["zzz"])


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"indexes": ["correlaton_id"]}, "Did you mean 'correlation_id'"),
        ({"indexes": ["zzz"]}, "Known: correlation_id"),
        ({"indexes": "cmd"}, "valid list"),
        ({"paths": {"Order": "data.order"}}, "'Order' must be"),
        ({"paths": {"a b": "data.order"}}, "'a b' must be"),
        ({"paths": {"1st": "data.order"}}, "'1st' must be"),
        ({"paths": {"order\n": "data.order"}}, "must be a small letter"),
        ({"paths": {"a" * 41: "data.order"}}, "at most 39"),
        ({"paths": {"": "data.order"}}, "must be a small letter"),
        ({"paths": {"x'; DROP TABLE event": "data.order"}}, "must be a small letter"),
        ({"paths": {"cmd": "data.order"}}, "built-in index"),
        ({"paths": {"order": "order"}}, "such as 'data.order_id'"),
        ({"paths": {"order": "data"}}, "such as 'data.order_id'"),
        ({"paths": {"order": "data."}}, "such as 'data.order_id'"),
        ({"paths": {"order": "metadata.order"}}, "such as 'data.order_id'"),
        ({"paths": {"order": "data.a..b"}}, "not a path inside the payload"),
        ({"paths": {"order": "data.a\"') OR 1"}}, "not a path inside the payload"),
        ({"paths": {"order": 1}}, "valid string"),
        ({"idexes": ["cmd"]}, "idexes"),
    ],
    ids=repr,
)
def test_settings_that_make_no_sense_are_refused(section, message):
    with pytest.raises(ValidationError, match=message):
        Settings(**section)


@pytest.mark.parametrize("name", ["a", "a" * 40, "order_2"])
def test_names_of_your_own(name):
    assert Settings(paths={name: "data.order"}).paths == {name: "data.order"}
