"""The storage in memory keeps the contract of a storage."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from eventlite_memory import MemoryStorage, Settings, eventlite_make_storage
from pydantic import ValidationError

from eventlite.contracts import INDEXES, Storage
from eventlite.errors import StorageError
from eventlite.testing import StorageContract


class TestMemoryStorage(StorageContract):
    covers = "storage:memory"

    def open_storage(self, place: Path) -> Storage:
        return MemoryStorage()


def test_every_kernel_gets_its_own():
    with closing(eventlite_make_storage(Settings())) as one, closing(eventlite_make_storage(Settings())) as other:
        with one.transaction() as transaction:
            transaction.state.put("space", "name", {})
        with other.snapshot() as snapshot:
            assert snapshot.state.list("space") == []


def test_it_has_no_settings():
    with pytest.raises(ValidationError, match="path"):
        Settings(path="events.db")


def test_what_it_cannot_do_is_a_storage_error(tmp_path):
    with closing(MemoryStorage()) as storage:
        for call in (
            lambda: storage.create_index(INDEXES["cmd"]),
            lambda: storage.drop_index("cmd"),
            lambda: storage.backup(tmp_path / "copy"),
        ):
            with pytest.raises(StorageError, match="memory"):
                call()
