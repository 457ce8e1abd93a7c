"""A file appears when it is whole, or not at all; and a damaged store gives what can be read."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk
from hypothesis import given
from hypothesis import strategies as st

from eventlite import BulkError, CorruptionError, NewEvent, Query
from eventlite.contracts import Bulk, BulkReport, CommitRequest, ExportOptions, Host
from eventlite.event import Row
from eventlite.testing.bulk_events import PLAIN
from eventlite.testing.host import StorageHost, open_storage


@pytest.fixture
def bulk() -> Bulk:
    return eventlite_make_bulk(Settings(), list(eventlite_formats()))


@pytest.fixture
def host() -> Iterator[Host]:
    with closing(open_storage()) as storage:
        host = StorageHost(storage)
        host.append_many([NewEvent("a", {"n": n}) for n in range(3)])
        yield host


def export(bulk: Bulk, host: Host, path: Path, **options: Any) -> BulkReport:
    return bulk.export_file(host, path, Query(), ExportOptions(**options))


def test_a_file_is_for_its_owner_only(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    export(bulk, host, tmp_path / "a.jsonl")
    assert stat.S_IMODE((tmp_path / "a.jsonl").stat().st_mode) == 0o600


def test_while_it_is_written_it_has_another_name(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    seen: list[list[str]] = []
    export(
        bulk, host, tmp_path / "a.jsonl", progress=lambda *_: seen.append([path.name for path in tmp_path.iterdir()])
    )
    assert all(name.startswith(".a.jsonl.") and name.endswith(".partial") for names in seen for name in names)
    assert seen
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_file_that_appears_meanwhile_is_kept(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    with pytest.raises(BulkError, match="exists"):
        export(bulk, host, path, progress=lambda *_: path.write_text("mine"))
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


def test_force_replaces_what_a_link_points_to(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    target, link = tmp_path / "target.jsonl", tmp_path / "link.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    with pytest.raises(BulkError, match="exists"):
        export(bulk, host, link)
    export(bulk, host, link, force=True)
    assert link.is_symlink()
    assert target.read_text().startswith('{"id":1')


@pytest.mark.parametrize("force", [False, True])
def test_a_link_to_nowhere_and_a_directory_are_refused(bulk: Bulk, host: Host, tmp_path: Path, force: bool) -> None:
    (tmp_path / "d.jsonl").mkdir()
    with pytest.raises(BulkError, match="is a directory"):
        export(bulk, host, tmp_path / "d.jsonl", force=force)
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "nowhere" / "x.jsonl")
    with pytest.raises(BulkError):
        export(bulk, host, tmp_path / "link.jsonl", force=force)


def test_a_place_that_is_not_there_is_an_error(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    with pytest.raises(BulkError, match="cannot be written: No such file or directory") as raised:
        export(bulk, host, tmp_path / "missing" / "a.jsonl")
    assert isinstance(raised.value.__cause__, FileNotFoundError)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="rights do not bind this user")
def test_a_place_that_must_not_be_written_is_an_error(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BulkError, match="cannot be written: Permission denied"):
        export(bulk, host, tmp_path / "a.jsonl")


def test_a_pipe_is_written_as_it_goes(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    path = tmp_path / "pipe.jsonl"
    os.mkfifo(path)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()))
    reader.start()
    export(bulk, host, path)
    reader.join(10)
    assert read[0].count(b"\n") == 3
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_long_name_is_no_obstacle(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    export(bulk, host, tmp_path / ("x" * 240 + ".jsonl"))
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".jsonl.gz"])
def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path: Path, suffix: str) -> None:
    """A limit on the size of files stands for the disk: the write fails in the same way."""
    path = tmp_path / f"a{suffix}"
    script = f"""
        import os, resource
        from pathlib import Path
        from eventlite import BulkError, NewEvent, Query
        from eventlite.contracts import ExportOptions
        from eventlite.testing.host import StorageHost, open_storage
        from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk

        host = StorageHost(open_storage())
        host.append_many([NewEvent("a", {{"text": os.urandom(500).hex()}}) for _ in range(5000)])
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
        try:
            bulk = eventlite_make_bulk(Settings(), list(eventlite_formats()))
            bulk.export_file(host, Path({str(path)!r}), Query(), ExportOptions())
        except BulkError as error:
            print(type(error.__cause__).__name__, error)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith(f"OSError {path} cannot be written: File too large")
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


class Damaged:
    """A storage whose events at some positions cannot be read."""

    def __init__(self, storage: Any, damaged: set[int], head: bool = False) -> None:
        self._storage = storage
        self._damaged = damaged
        self._head = head

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def head(self) -> int:
        if self._head:
            raise CorruptionError("the head is damaged")
        return int(self._storage.head())

    def read(self, query: Query, *, after: int, before: int, limit: int) -> list[Row]:
        rows: list[Row] = self._storage.read(query, after=after, before=before, limit=limit)
        end = rows[-1][0] if len(rows) == limit else before
        if any(after < position <= end and position < before for position in self._damaged):
            raise CorruptionError("the store is damaged")
        return rows


IDS = st.lists(st.integers(1, 60), unique=True, min_size=1).map(sorted)


@given(IDS, st.sets(st.integers(1, 60)), st.booleans(), st.integers(1, 30))
def test_what_is_readable_can_be_salvaged(ids: Sequence[int], damaged: set[int], head: bool, size: int) -> None:
    from eventlite_files.salvaging import Salvage

    with closing(open_storage()) as storage:
        storage.commit([CommitRequest([PLAIN[0][1:]] * len(ids), ids=ids)])
        salvage = Salvage(Damaged(storage, damaged, head))
        read: list[int] = []
        while rows := salvage.read(Query(), after=read[-1] if read else 0, before=salvage.head() + 1, limit=size):
            read += [row[0] for row in rows]
        assert read == [id for id in ids if id not in damaged]
        lost = {id for first, last in salvage.gaps for id in ids if first <= id <= last}
        assert lost == set(ids) & damaged


class Zeroed(Damaged):
    """Reads some events as the zeros that stand where the end of a file is missing."""

    def read(self, query: Query, *, after: int, before: int, limit: int) -> list[Row]:
        rows: list[Row] = self._storage.read(query, after=after, before=before, limit=limit)
        return [(0, *row[1:]) if row[0] in self._damaged else row for row in rows]  # type: ignore[misc]


@given(st.sets(st.integers(1, 20)), st.integers(1, 30))
def test_what_is_read_as_zeros_is_left_out_and_said(zeroed: set[int], size: int) -> None:
    from eventlite_files.salvaging import Salvage

    with closing(open_storage()) as storage:
        storage.commit([CommitRequest([PLAIN[0][1:]] * 20)])
        salvage = Salvage(Zeroed(storage, zeroed))
        read: list[int] = []
        while rows := salvage.read(Query(), after=read[-1] if read else 0, before=21, limit=size):
            read += [row[0] for row in rows]
        assert read == [id for id in range(1, 21) if id not in zeroed]
        assert {id for first, last in salvage.gaps for id in range(first, last + 1)} == zeroed


def test_a_damaged_store_is_exported_only_when_that_is_asked_for(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    damaged = StorageHost(Damaged(host.storage, {2}))  # type: ignore[arg-type]
    with pytest.raises(BulkError, match="damaged") as raised:
        export(bulk, damaged, tmp_path / "a.jsonl")
    assert isinstance(raised.value.__cause__, CorruptionError)
    assert list(tmp_path.iterdir()) == []
    report = export(bulk, damaged, tmp_path / "a.jsonl", salvage=True)
    assert (report.count, report.notes) == (2, ["Left out because it could not be read: 2."])


def test_an_event_that_was_changed_is_not_exported(bulk: Bulk, tmp_path: Path) -> None:
    with closing(open_storage("sqlite", path=tmp_path / "a.db")) as storage:
        host = StorageHost(storage)
        host.append_many([NewEvent("a", {"n": n}) for n in range(3)])
        with storage.transaction() as tx:
            tx.connection.execute("UPDATE event SET data = ? WHERE id = 2", ['{"n":7}'])
        with pytest.raises(BulkError, match="event 2 is damaged"):
            export(bulk, host, tmp_path / "a.jsonl")
        assert export(bulk, host, tmp_path / "a.jsonl", salvage=True).count == 2


def test_a_sound_store_is_salvaged_as_a_whole(bulk: Bulk, host: Host, tmp_path: Path) -> None:
    reports = [export(bulk, host, tmp_path / f"{salvage}.csv", salvage=salvage) for salvage in (True, False)]
    assert reports[0] == reports[1]
