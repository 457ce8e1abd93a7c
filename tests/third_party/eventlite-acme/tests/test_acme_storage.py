from __future__ import annotations

from contextlib import closing

import pytest
from eventlite_acme.counting import CountingStorage
from eventlite_acme.storage import AcmeStorage

from eventlite import Kernel, Query
from eventlite.errors import CorruptionError
from eventlite.testing import StorageContract


class TestAcmeStorage(StorageContract):
    covers = "storage:acme"

    def open_storage(self, place):
        return AcmeStorage(place, sync=False)


class TestCountedStorage(StorageContract):
    """A storage inside the wrapper is still a storage."""

    covers = "extensions:acme-counting"

    def open_storage(self, place):
        return CountingStorage(AcmeStorage(place, sync=False))


def test_a_line_that_was_not_finished_is_cut_off(tmp_path):
    path = tmp_path / "journal"
    with Kernel.from_profile("acme.toml", storage={"path": path}) as kernel:
        kernel.append("kept")
    whole = path.read_bytes()
    path.write_bytes(whole + b'[[[2, 1, "half')
    with Kernel.from_profile("acme.toml", storage={"path": path}) as kernel:
        assert [event.cmd for event in kernel.read(Query())] == ["kept"]
    assert path.read_bytes() == whole


def test_a_line_that_is_not_json_is_damage(tmp_path):
    path = tmp_path / "journal"
    path.write_bytes(b"[[],[]]\nnonsense\n[[],[]]\n")
    with pytest.raises(CorruptionError, match="line 2"):
        AcmeStorage(path, sync=True)


def test_the_profile_chooses_every_part_and_the_extension_counts_commits(tmp_path):
    with Kernel.from_profile("acme.toml", storage={"path": tmp_path / "journal"}) as kernel:
        for number in range(3):
            kernel.append("placed", {"number": number}, tags=["order:1"])
        assert kernel.get(2).data == {"number": 1}
        assert kernel.get(2) == kernel.get(2)
        assert isinstance(kernel.storage, CountingStorage)
        assert kernel.storage.facts()["commits"] == 3
        assert kernel.cache.stats().max_size == 100
        assert [form.name for form in kernel.bulk.formats()] == ["jsonl", "tsv"]


def test_an_export_can_be_imported(tmp_path):
    with Kernel.from_profile("acme.toml", storage={"path": tmp_path / "journal"}) as kernel:
        first = kernel.append("placed", {"text": "a\tb\nc\\d\r"}, tags=["order:1"], key="k")
        kernel.append("shipped", cause=first)
        exported = kernel.export_file(tmp_path / "events.tsv")
        events = list(kernel.read(Query()))
    with Kernel.from_profile("acme.toml", storage={"path": tmp_path / "copy"}) as kernel:
        assert kernel.import_file(tmp_path / "events.tsv").digest == exported.digest
        assert list(kernel.read(Query())) == events


def test_what_was_written_is_there_after_a_new_opening(tmp_path):
    path = tmp_path / "journal"
    with closing(AcmeStorage(path, sync=True)) as storage, storage.transaction() as transaction:
        transaction.state.put("a", "one", {"x": 1}, due=7)
        transaction.state.put("a", "two", {"x": 2})
        transaction.state.delete("a", "two")
    with closing(AcmeStorage(path, sync=True)) as storage, storage.snapshot() as snapshot:
        assert [record.name for record in snapshot.state.list("a")] == ["one"]
        assert snapshot.state.get("a", "one") == ("one", {"x": 1}, 1, 7)
