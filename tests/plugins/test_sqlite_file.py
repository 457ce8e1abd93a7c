"""The SQLite file itself: how it is set up, by whom it can be read, and that creating it is safe."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import sqlite_utils
from eventlite_sqlite import Settings, eventlite_make_storage, identity, schema
from eventlite_sqlite.connection import connect

from eventlite import Kernel, NewEvent, Query
from eventlite.drafting import draft_batch, encode
from eventlite.errors import ProfileError, StorageError, StoreFullError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


def pragma(path, name):
    with closing(connect(path, "ro", 5.0)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


@contextmanager
def opened_by_tools(path):
    """The file as sqlite-utils sees it."""
    database = sqlite_utils.Database(path)
    try:
        yield database
    finally:
        database.conn.close()


def kernel(path, profile="balanced", **settings):
    return Kernel.from_profile(profile, storage={"path": str(path), **settings})


# --- settings

PROFILES = [("high-volume", 8192, 1), ("balanced", 4096, 2), ("query-optimized", 4096, 2)]


@pytest.mark.parametrize(("profile", "page_size", "synchronous"), PROFILES)
def test_a_profile_decides_page_size_and_durability(path, profile, page_size, synchronous):
    with kernel(path, profile) as opened:
        opened.append("first")
        assert pragma(path, "page_size") == page_size
        assert pragma(path, "journal_mode") == "wal"
        with opened.transaction() as transaction:
            assert transaction.connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert opened.storage.facts()["synchronous"] == {1: "normal", 2: "full"}[synchronous]
        words = opened.storage.capabilities.durability
        assert ("survives a power cut" in words) == (synchronous == 2)


def test_an_existing_file_keeps_its_page_size(path):
    kernel(path, "balanced").close()
    with kernel(path, "high-volume") as opened:
        assert opened.storage.facts()["page_size"] == 4096


def test_two_kernels_on_one_file_write_as_durably_as_the_stricter_asks(path):
    with kernel(path, "high-volume") as lax, kernel(path, "balanced"), lax.transaction() as transaction:
        assert transaction.connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_stricter_kernel_is_refused_inside_a_transaction_and_harms_nobody(path):
    with kernel(path, "high-volume") as lax:
        with lax.transaction() as transaction, pytest.raises(StorageError, match="inside a transaction"):
            kernel(path, "balanced")
        assert transaction.appended == 0
        with kernel(path, "balanced") as strict:
            assert strict.append("first").id == 1
        assert lax.append("second").id == 2
    assert [file.name for file in path.parent.iterdir()] == ["events.db"]  # the last one closed the file


@pytest.mark.parametrize("count", [1, 2, 8, 9, 100])
def test_the_growth_of_the_log_is_judged_by_the_payload(path, count):
    with closing(eventlite_make_storage(Settings(path=path))) as storage, storage.transaction() as transaction:
        transaction.append(draft_batch([NewEvent("sized", {"text": "x" * 989}) for _ in range(count)], recorded=0))
        assert transaction.payload == count * len('{"text":"' + "x" * 989 + '"}{}')


@pytest.mark.skipif(os.name == "nt", reason="there is no such way to lock here")
def test_where_there_can_be_no_log_no_store_is_made(path):
    refused = pytest.raises(StorageError, match="cannot have a write-ahead log")
    with closing(sqlite3.connect(f"file:{path}?vfs=unix-dotfile", uri=True)) as unshared, refused:
        schema._use_wal(unshared, path, 1.0)


def test_what_explain_raises_is_typed(path):
    with kernel(path) as opened:
        with closing(sqlite3.connect(path)) as other:
            other.execute("ALTER TABLE event RENAME TO gone")
        with pytest.raises(StorageError, match="no such table"):
            opened.storage.explain(Query())


@pytest.mark.parametrize("size", [511, 1000, 131072])
def test_a_page_size_that_sqlite_cannot_have_is_refused(path, size):
    with pytest.raises(ProfileError, match="page_size"):
        kernel(path, page_size=size)


def test_readers_cannot_write(path):
    refused = pytest.raises(sqlite3.OperationalError, match="readonly")
    with kernel(path) as opened, opened.storage.snapshot() as snapshot, refused:
        snapshot.connection.execute("DELETE FROM event")


# --- identity


def test_the_file_says_whose_it_is(path):
    kernel(path).close()
    assert pragma(path, "application_id").to_bytes(4, "big") == b"EvLt"
    assert pragma(path, "user_version") == identity.SCHEMA_VERSION == 1


def test_closing_leaves_one_file(path):
    with kernel(path) as opened:
        opened.append("first")
    assert [file.name for file in path.parent.iterdir()] == ["events.db"]


@pytest.mark.skipif(os.name == "nt", reason="there are no modes here")
def test_the_files_are_their_owners_alone_whatever_the_umask_says(path):
    usual = os.umask(0)
    try:
        with kernel(path) as opened:
            opened.append("first")
            opened.storage.backup(path.with_name("copy.db"))
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(usual)
    assert modes == dict.fromkeys(["events.db", "events.db-wal", "events.db-shm", "copy.db"], 0o600)


def test_a_database_that_is_still_empty_becomes_a_store(path):
    path.touch()
    with kernel(path) as opened:
        assert opened.append("first").id == 1


def test_a_file_of_one_byte_is_not_taken_for_an_empty_database(path):
    path.write_bytes(b"x")
    with pytest.raises(Exception, match="is not a database"):
        kernel(path)
    assert path.read_bytes() == b"x"


# --- migrations


def test_migrating_again_changes_nothing(path):
    settings = Settings(path=path)
    eventlite_make_storage(settings).close()
    with opened_by_tools(path) as database:
        before = database.schema
        schema.migrate(path, settings)
        assert database.schema == before
    with closing(connect(path, "ro", 5.0)) as connection:
        assert connection.execute("SELECT migration_set, name FROM _sqlite_migrations").fetchall() == [
            ("eventlite", "001_events")
        ]


def test_a_migration_that_was_not_finished_leaves_nothing_behind(path, monkeypatch):
    settings = Settings(path=path)
    script = schema.sql("001_events.sql")
    monkeypatch.setattr(schema, "sql", lambda name: script + "\nCREATE TABLE event (again);\n")
    with pytest.raises(Exception, match="already exists"):
        eventlite_make_storage(settings)
    with closing(connect(path, "ro", 5.0)) as connection:
        assert connection.execute("SELECT * FROM sqlite_master").fetchall() == []
    monkeypatch.undo()
    with closing(eventlite_make_storage(settings)) as storage:
        assert storage.head() == 0


OPENING = """
import sys
from pathlib import Path
from eventlite_sqlite import Settings, eventlite_make_storage
print("ready", flush=True)
sys.stdin.readline()
storage = eventlite_make_storage(Settings(path=Path(sys.argv[1])))
assert storage.head() == 0
assert list(storage.check()) == []
storage.close()
"""


def test_eight_processes_that_create_the_same_file_at_once_all_open_it(path):
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", OPENING, path]
    processes = [subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) for _ in range(8)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, errors
    with closing(connect(path, "ro", 5.0)) as connection:
        assert connection.execute("SELECT count(*) FROM _sqlite_migrations").fetchone() == (1,)
    assert pragma(path, "user_version") == 1


# --- for other tools

TIMES = {
    dt.datetime(1, 1, 1, tzinfo=dt.UTC): "0001-01-01T00:00:00.000000Z",
    dt.datetime(1969, 12, 31, 23, 59, 59, 999_999, dt.UTC): "1969-12-31T23:59:59.999999Z",
    dt.datetime(1969, 12, 31, 23, 59, 59, 1, dt.UTC): "1969-12-31T23:59:59.000001Z",
    dt.datetime(1970, 1, 1, tzinfo=dt.UTC): "1970-01-01T00:00:00.000000Z",
    dt.datetime(2026, 2, 28, 12, 30, 15, 120_000, dt.UTC): "2026-02-28T12:30:15.120000Z",
    dt.datetime(9999, 12, 31, 23, 59, 59, 999_999, dt.UTC): "9999-12-31T23:59:59.999999Z",
}


@pytest.fixture
def of_all_times(path):
    from eventlite.contracts import CommitRequest
    from eventlite.event import to_microseconds

    event = NewEvent("seen", {"name": "Zoë", "n": [1, 2.5, None]}, user="alice", tags=["a", "b"], key="k")
    drafts = []
    for n, time in enumerate(TIMES):
        event.key = f"key-{n}"
        drafts.append(encode(event, to_microseconds(time), "c-1", None))
    with closing(eventlite_make_storage(Settings(path=path))) as storage:
        storage.commit([CommitRequest(drafts, keyed=True)])
    return path


def test_the_view_has_iso_times_of_every_year(of_all_times):
    with opened_by_tools(of_all_times) as database:
        rows = list(database["events"].rows)
    assert [row["datetime"] for row in rows] == list(TIMES.values())
    with kernel(of_all_times) as opened:
        assert [event.datetime for event in opened.read()] == list(TIMES)
        assert [event.to_dict()["datetime"] for event in opened.read()] == list(TIMES.values())


def test_the_view_has_the_twelve_fields_with_json_as_text(of_all_times):
    with opened_by_tools(of_all_times) as database:
        row, *_ = database["events"].rows
    with kernel(of_all_times) as opened:
        event = next(opened.read()).to_dict()
    assert {**row, **{name: json.loads(row[name]) for name in ("data", "metadata", "tags")}} == event


def test_the_view_can_be_asked_by_what_is_inside_the_payload(of_all_times):
    query = "SELECT DISTINCT data ->> '$.name' AS name, json_array_length(data, '$.n') AS n FROM events"
    with opened_by_tools(of_all_times) as database:
        assert list(database.query(query)) == [{"name": "Zoë", "n": 3}]


def test_other_programs_can_read_while_the_store_is_open(path):
    with kernel(path) as opened:
        opened.append("first")
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT id, cmd FROM events").fetchall() == [(1, "first")]
        assert opened.append("second").id == 2


# --- a path


@pytest.mark.parametrize(
    "name", ["with space.db", "ünï-😀.db", "what?x=1&mode=memory#y.db", "50%25.db", "'quoted\".db"]
)
def test_any_file_name_will_do(tmp_path, name):
    with kernel(tmp_path / name) as opened:
        opened.append("first")
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_path_may_start_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    kernel("~/events.db").close()
    assert [file.name for file in tmp_path.iterdir()] == ["events.db"]


def test_a_store_in_memory_is_another_plugin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ProfileError, match='plugin = "memory"'):
        kernel(":memory:")
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_and_its_file_are_one_store(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "events.db")
    with kernel(tmp_path / "events.db") as one, kernel(tmp_path / "link.db") as other:
        assert one.append("first").id == 1
        assert other.append("second").id == 2
        assert [event.id for event in one.read()] == [1, 2]


def test_a_copy_of_a_live_store_is_whole(tmp_path):
    with kernel(tmp_path / "events.db") as opened:
        opened.append_many([NewEvent("copied", {"n": n}, tags=[f"n:{n}"]) for n in range(500)])
        digest = opened.verify().digest
        opened.storage.backup(tmp_path / "copy.db")
    with kernel(tmp_path / "copy.db") as copy:
        assert copy.verify().digest == digest
        assert copy.verify().problems == []


def test_a_copy_needs_no_hard_links(tmp_path, monkeypatch):
    def link(*_):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with kernel(tmp_path / "events.db") as opened:
        opened.append("copied")
        opened.storage.backup(str(tmp_path / "copy.db"))
        (tmp_path / "taken.db").write_text("precious")
        with pytest.raises(StorageError, match="exists already"):
            opened.storage.backup(tmp_path / "taken.db")
        digest = opened.verify().digest
    assert (tmp_path / "taken.db").read_text() == "precious"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["copy.db", "events.db", "taken.db"]
    with kernel(tmp_path / "copy.db") as copy:
        assert copy.verify().digest == digest


def test_a_file_that_comes_during_a_copy_is_not_replaced(tmp_path, monkeypatch):
    def link(_, target):
        target.write_text("precious")
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    with kernel(tmp_path / "events.db") as opened, pytest.raises(StorageError, match="exists already"):
        opened.storage.backup(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


@pytest.mark.parametrize("name", ["fsync", "open"])
def test_a_copy_for_which_there_is_no_space_is_a_typed_error(tmp_path, monkeypatch, name):
    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with kernel(tmp_path / "events.db") as opened:
        with monkeypatch.context() as patch, pytest.raises(StoreFullError, match=r"copy\.db"):
            patch.setattr(os, name, fail)
            opened.storage.backup(tmp_path / "copy.db")
        with pytest.raises(StorageError):
            opened.storage.backup(tmp_path / ("n" * 300))
    assert [file.name for file in tmp_path.iterdir()] == ["events.db"]


def test_the_summary_of_the_file_is_true(path):
    with kernel(path) as opened:
        opened.append_many([NewEvent("sized", {"text": "x" * 500}) for _ in range(200)])
        facts = opened.storage.facts()
        assert facts["path"] == str(path)
        assert facts["file_bytes"] == Path(path).stat().st_size
        assert facts["log_bytes"] == path.with_name("events.db-wal").stat().st_size > 0
        assert facts["sqlite_version"] == sqlite3.sqlite_version


def test_a_request_is_stored_with_its_own_time(path):
    with closing(eventlite_make_storage(Settings(path=path))) as storage:
        storage.commit([draft_batch([NewEvent("old")], recorded=-1)])
        assert storage.get(1)[2] == -1
