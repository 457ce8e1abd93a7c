"""The `none` policy leaves a store as it is."""

from __future__ import annotations

import pytest
from eventlite_indexing.none import Settings, Untouched, eventlite_make_indexing
from pydantic import ValidationError

from eventlite.contracts import INDEXES, Indexing, Storage
from eventlite.testing import IndexingContract


class TestUntouched(IndexingContract):
    covers = "indexing:none"

    @pytest.fixture
    def storage(self, storage: Storage) -> Storage:
        return storage

    def make_indexing(self, storage: Storage) -> Indexing:
        return Untouched(storage)


def test_it_declares_nothing_and_minds_nothing(storage):
    indexing = eventlite_make_indexing(Settings(), storage)
    storage.create_index(INDEXES["user"])
    assert (indexing.declared(), indexing.difference()) == ([], ([], []))


def test_apply_without_names_leaves_the_indexes_alone(storage):
    storage.create_index(INDEXES["user"])
    assert Untouched(storage).apply() == ["user"]
    assert storage.indexes() == [INDEXES["user"]]


def test_it_has_no_settings():
    with pytest.raises(ValidationError, match="indexes"):
        Settings(indexes=["cmd"])
