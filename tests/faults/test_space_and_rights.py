"""A full disk and missing rights: a typed error, nothing half written, reads go on."""

from __future__ import annotations

import errno
import os
import subprocess

import pytest

from eventlite import Kernel, NewEvent
from eventlite.errors import StorageError, StoreFullError, StoreNotFoundError

# --- no space


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("mounting a small file system needs rights that this user does not have")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk):
    """Leave no free space."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return filler


def append_until_refused(kernel):
    for n in range(1000):
        try:
            kernel.append("filled", {"n": n, "text": "x" * 1000}, tags=["filler"])
        except StorageError as error:
            return error
    raise AssertionError("the disk was not full")


@pytest.mark.parametrize("profile", ["high-volume", "balanced"])
def test_a_full_disk_refuses_appends_and_reads_go_on_and_appends_work_once_there_is_space(
    open_kernel, small_disk, profile
):
    kernel = open_kernel(small_disk / "events.db", profile)
    kernel.append("first", {"n": 0})
    filler = fill(small_disk)
    error = append_until_refused(kernel)
    assert type(error) is StoreFullError
    assert "no space left" in error.message
    head = kernel.head()
    assert [event.id for event in kernel.read()] == list(range(1, head + 1))
    filler.unlink()
    assert kernel.append("after").id == head + 1
    assert kernel.verify().problems == []


def test_of_a_batch_that_does_not_fit_nothing_is_stored(open_kernel, small_disk):
    kernel = open_kernel(small_disk / "events.db")
    kernel.append("first")
    batch = [NewEvent("large", {"text": "x" * 1000}, tags=[f"n:{n}"]) for n in range(5000)]
    with pytest.raises(StoreFullError):
        kernel.append_many(batch)
    assert [event.cmd for event in kernel.read()] == ["first"]
    assert kernel.append("second").id == 2
    assert kernel.verify().problems == []


def test_a_bulk_append_says_what_it_had_stored_when_the_disk_was_full(open_kernel, small_disk):
    kernel = open_kernel(small_disk / "events.db")
    with pytest.raises(StoreFullError) as caught:
        kernel.append_bulk((NewEvent("large", {"text": "x" * 1000}) for _ in range(5000)), batch_size=50)
    assert caught.value.report.count == kernel.head() == kernel.count() > 0


def test_an_index_that_does_not_fit_is_not_there_and_the_store_works(open_kernel, small_disk):
    kernel = open_kernel(small_disk / "events.db", "high-volume")
    kernel.append_many([NewEvent("named", {}, user=f"{n:0200}") for n in range(900)])
    filler = fill(small_disk)
    with pytest.raises(StoreFullError):
        kernel.indexes.apply(["user"])
    assert "user" not in kernel.indexes.active()
    filler.unlink()
    assert kernel.append("after").id == 901
    assert kernel.verify().problems == []


def test_a_store_cannot_be_created_on_a_full_disk_and_can_be_later(open_kernel, small_disk):
    filler = fill(small_disk)
    with pytest.raises(StoreFullError):
        open_kernel(small_disk / "events.db")
    filler.unlink()
    assert open_kernel(small_disk / "events.db").append("first").id == 1


def test_a_copy_that_does_not_fit_is_a_typed_error_and_leaves_nothing(open_kernel, small_disk, path):
    kernel = open_kernel(path)
    kernel.append_many([NewEvent("large", {"text": "x" * 1000}) for _ in range(5000)])
    with pytest.raises(StoreFullError):
        kernel.storage.backup(small_disk / "copy.db")
    assert list(small_disk.iterdir()) == []


LIMITED = """
import resource, sys
from eventlite import Kernel
from eventlite.errors import StorageError
with Kernel.from_profile(storage={"path": sys.argv[1]}) as kernel:
    kernel.append("first")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
    try:
        for n in range(1000):
            kernel.append("filled", {"text": "x" * 1000})
    except StorageError as error:
        print(type(error).__module__)
    head = kernel.head()
    assert [event.id for event in kernel.read()] == list(range(1, head + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert kernel.append("after").id == head + 1
    assert kernel.verify().problems == []
"""


def test_a_file_that_may_not_grow_is_a_typed_error_and_appends_work_once_it_may(run, path):
    assert run(LIMITED, path) == "eventlite.errors\n"


# --- no rights

READ_ONLY = """
with Kernel.from_profile(storage={"path": sys.argv[1]}, create=False) as kernel:
    assert [event.cmd for event in kernel.read()] == ["first", "second"]
    assert kernel.get(2).data == {"n": 2}
    assert kernel.page(Query(cmd="second")).total_count == 1
    assert kernel.verify().problems == []
    for write in (lambda: kernel.append("third"), lambda: kernel.indexes.apply(["user"])):
        try:
            write()
        except StoreReadOnlyError as error:
            assert "read-only" in error.message
            assert "locked" not in str(error)
        else:
            raise AssertionError("it was written")
"""


@pytest.fixture
def public_store(open_kernel, public_dir):
    path = public_dir / "events.db"
    with open_kernel(path) as kernel:
        kernel.append("first")
        kernel.append("second", {"n": 2})
    return path


@pytest.mark.parametrize("profile", ["balanced", "query-optimized"])
@pytest.mark.parametrize(
    ("file_mode", "directory_mode"),
    [
        pytest.param(0o444, 0o555, id="file and directory"),
        pytest.param(0o444, 0o777, id="file"),
        pytest.param(0o666, 0o555, id="directory"),
    ],
)
def test_a_store_that_may_only_be_read_is_read_and_an_append_says_why_not(
    run_unprivileged, public_store, monkeypatch, file_mode, directory_mode, profile
):
    monkeypatch.setenv("EVENTLITE_PROFILE", profile)
    public_store.chmod(file_mode)
    public_store.parent.chmod(directory_mode)
    run_unprivileged(READ_ONLY, public_store)


def test_a_store_in_use_by_its_owner_can_be_read_by_others(run_unprivileged, open_kernel, public_store):
    with open_kernel(public_store):
        for file in public_store.parent.iterdir():
            file.chmod(0o444)
        run_unprivileged(READ_ONLY, public_store)


REFUSED = """
import warnings
try:
    Kernel.from_profile(storage={"path": sys.argv[1]})
except EventLiteError as error:
    print(type(error).__name__, error.message)
"""


def test_a_directory_that_may_not_be_entered_is_named(run_unprivileged, public_store):
    public_store.parent.chmod(0o700)
    answer = run_unprivileged(REFUSED, public_store)
    assert answer.startswith("StorageError")
    assert "Permission denied" in answer
    assert answer.count("\n") == 1


def test_a_file_that_may_not_be_read_is_named(run_unprivileged, public_store):
    public_store.chmod(0o000)
    answer = run_unprivileged(REFUSED, public_store)
    assert answer.startswith("StorageError")
    assert str(public_store) in answer
    assert answer.count("\n") == 1


def test_a_store_in_a_directory_that_may_not_be_written_cannot_be_created(run_unprivileged, public_dir):
    answer = run_unprivileged(REFUSED, public_dir / "events.db")
    assert answer.startswith("StoreReadOnlyError")
    assert "cannot be created" in answer


# --- no such place


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("", "is a directory"),
        ("missing/events.db", "does not exist"),
        ("file/events.db", "Not a directory"),
        ("n" * 300, "name too long"),
        ("nul\0", "embedded null"),
        ("fifo", "not a database file"),
        ("loop", "(?i)symbolic links"),
    ],
)
def test_a_path_that_cannot_hold_a_store_is_one_line(tmp_path, place, message):
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(StorageError, match=message) as caught:
        Kernel.from_profile(storage={"path": f"{tmp_path}/{place}"})
    assert "\n" not in caught.value.message


def test_a_missing_store_is_not_created_for_those_who_only_read(tmp_path):
    with pytest.raises(StoreNotFoundError, match="there is no store at"):
        Kernel.from_profile(storage={"path": f"{tmp_path}/events.db"}, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_store_stays_where_it_is_when_the_working_directory_changes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with Kernel.from_profile(storage={"path": "events.db"}) as kernel:
        monkeypatch.chdir(tmp_path / "elsewhere")
        with kernel.storage.snapshot(), kernel.storage.snapshot():  # more readers than were open before
            assert kernel.append("first").id == 1
        assert [event.cmd for event in kernel.read()] == ["first"]
    assert list((tmp_path / "elsewhere").iterdir()) == []
