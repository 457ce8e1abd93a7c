"""Files that are not what they should be: named, left as they are, and read as far as they can be read."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from eventlite import NewEvent, Query
from eventlite.errors import (
    CorruptionError,
    ForeignFileError,
    SchemaVersionError,
    StorageError,
    StoreNotFoundError,
    StoreReadOnlyError,
)

JAVASCRIPT = """
    CREATE TABLE queue (id INTEGER PRIMARY KEY, version INTEGER, datetime INTEGER, user TEXT, ip TEXT, cmd TEXT,
                        data TEXT, correlation_id TEXT, causation_id INTEGER, metadata TEXT)
"""


def make_database(path, script, journal):
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {journal}")
        database.executescript(script)


def contents(directory):
    return {file.name: file.read_bytes() for file in directory.iterdir()}


def assert_refused_untouched(open_kernel, path, error, match):
    before = contents(path.parent)
    with pytest.raises(error, match=match):
        open_kernel(path)
    assert contents(path.parent) == before


# --- files that are not ours


@pytest.mark.parametrize("content", [b"id;cmd\n1;x\n" * 500, b"x", bytes(8192), b"SQLite format 3\0" + b"\xff" * 5000])
def test_what_is_not_a_database_is_refused_and_untouched(open_kernel, path, content):
    path.write_bytes(content)
    assert_refused_untouched(open_kernel, path, ForeignFileError, "is not a database")


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_somebody_elses_database_is_refused_and_untouched(open_kernel, path, journal):
    make_database(path, "CREATE TABLE invoice (number TEXT)", journal)
    assert_refused_untouched(open_kernel, path, ForeignFileError, r"another program's .*\(tables invoice\)")


@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_file_of_the_javascript_library_is_refused_with_the_way_to_import_it(open_kernel, path, journal):
    make_database(path, JAVASCRIPT, journal)
    assert_refused_untouched(open_kernel, path, ForeignFileError, "(?s)for JavaScript.*--format eventlite-js")


def test_a_newer_schema_is_refused_and_untouched(open_kernel, path):
    open_kernel(path).close()
    make_database(path, "PRAGMA user_version = 99", "WAL")
    assert_refused_untouched(open_kernel, path, SchemaVersionError, "schema 99.*reads up to")


def test_a_database_that_its_program_is_using_is_refused_and_untouched(open_kernel, path):
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE invoice (number TEXT)")
        before = {name: content for name, content in contents(path.parent).items() if not name.endswith("-shm")}
        with pytest.raises(ForeignFileError, match="invoice"):
            open_kernel(path)
        assert before.items() <= contents(path.parent).items()
        database.execute("INSERT INTO invoice VALUES ('A1')")


# --- damaged payloads


def damaged(path, old: bytes, new: bytes):
    """Change bytes of a store that is closed."""
    assert len(old) == len(new)
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


@pytest.fixture
def three_events(open_kernel, path):
    with open_kernel(path) as kernel:
        for name in ("first", "second", "third"):
            kernel.append("named", {"name": name}, metadata={"about": name.upper()}, user=f"user-of-{name}")
    return path


BYTES = [
    pytest.param(b'"second"', b'"secind"', id="in the payload"),
    pytest.param(b'"SECOND"', b'"SECIND"', id="in the metadata"),
    pytest.param(b"user-of-second", b"user-of-sekond", id="in the user"),
]


@pytest.mark.parametrize(("old", "new"), [*BYTES, pytest.param(b'"second"', b'"sec\xefnd"', id="no UTF-8")])
def test_verify_names_the_event_with_a_flipped_byte(open_kernel, three_events, old, new):
    damaged(three_events, old, new)
    report = open_kernel(three_events).verify()
    assert len(report.problems) == 1
    assert "event 2 is damaged" in report.problems[0]


@pytest.mark.parametrize(("old", "new"), BYTES)
@pytest.mark.parametrize("profile", ["balanced", "query-optimized"])
def test_a_flipped_byte_raises_when_the_payload_is_first_touched(open_kernel, three_events, profile, old, new):
    damaged(three_events, old, new)
    kernel = open_kernel(three_events, profile)
    event = kernel.get(2)
    with pytest.raises(CorruptionError, match="event 2 is damaged") as caught:
        event.data  # noqa: B018
    assert caught.value.position == 2
    assert [kernel.get(id).data for id in (1, 3)] == [{"name": "first"}, {"name": "third"}]


def test_text_that_is_not_utf8_raises_with_its_position_and_the_rest_is_readable(open_kernel, three_events):
    damaged(three_events, b'"second"', b'"sec\xefnd"')
    kernel = open_kernel(three_events)
    for read in (lambda: kernel.get(2), lambda: list(kernel.read()), lambda: kernel.page(Query(cmd="named"))):
        with pytest.raises(CorruptionError, match="event 2 is damaged") as caught:
            read()
        assert caught.value.position == 2
    assert [event.id for event in kernel.read(before=2)] == [1]
    assert [event.id for event in kernel.read(after=2)] == [3]
    assert kernel.append("named").id == 4


def test_verify_finds_every_damaged_event_among_many(open_kernel, path):
    with open_kernel(path) as kernel:
        kernel.append_many([NewEvent("numbered", {"text": f"<{n}>"}) for n in range(1, 3001)])
    damaged(path, b'"<700>"', b'"<7\xff0>"')
    damaged(path, b'"<701>"', b'"<7\xff1>"')
    damaged(path, b'"<2500>"', b'"<2501>"')
    report = open_kernel(path).verify()
    assert [problem.split(":")[0] for problem in report.problems] == [
        "event 700 is damaged",
        "event 701 is damaged",
        "event 2500 is damaged",
    ]
    assert report.events == 2998


def test_any_changed_column_is_found(open_kernel, three_events):
    for column in ("version", "datetime", "user", "ip", "cmd", "data", "correlation_id", "metadata", "crc"):
        with closing(sqlite3.connect(three_events, isolation_level=None)) as database:
            (value,) = database.execute(f"SELECT {column} FROM event WHERE id = 2").fetchone()
            database.execute(f"UPDATE event SET {column} = ? WHERE id = 2", (f"{value}x" if type(value) is str else 7,))
            with open_kernel(three_events) as kernel:
                assert "event 2 is damaged" in kernel.verify().problems[0], column
            database.execute(f"UPDATE event SET {column} = ? WHERE id = 2", (value,))
    with open_kernel(three_events) as kernel:
        assert kernel.verify().problems == []


def test_a_time_beyond_all_years_is_found(open_kernel, three_events):
    make_database(three_events, f"UPDATE event SET datetime = {2**62} WHERE id = 2", "WAL")
    assert "event 2 is damaged" in open_kernel(three_events).verify().problems[0]


def test_a_tag_table_that_disagrees_is_found(open_kernel, path):
    with open_kernel(path) as kernel:
        kernel.append("tagged", tags=["user:42"])
    make_database(path, "UPDATE event_tag SET tag = 'user:43'", "WAL")
    report = open_kernel(path).verify()
    assert len(report.problems) == 2
    assert all("event 1" in problem for problem in report.problems)


# --- damaged structure


@pytest.fixture
def many_pages(open_kernel, path):
    with open_kernel(path) as kernel:
        kernel.append_many([NewEvent("filled", {"text": "x" * 400}) for _ in range(2000)])
    return path


def truncate(path, share):
    with path.open("r+b") as file:
        file.truncate(int(path.stat().st_size * share) // 4096 * 4096)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused_and_what_is_readable_can_be_exported(open_kernel, many_pages, tmp_path, share):
    truncate(many_pages, share)
    with pytest.raises(CorruptionError, match=r"(?s)is damaged.*EVENTLITE_STORAGE__SALVAGE"):
        open_kernel(many_pages)
    kernel = open_kernel(many_pages, salvage=True)
    events = list(kernel.read())
    assert len(events) > 2000 * share / 3
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert all(event.data == {"text": "x" * 400} for event in events)
    assert kernel.export_file(tmp_path / "left.jsonl").count == len(events)


@pytest.mark.parametrize("beyond", [100, 2000, 3500])
def test_a_file_cut_inside_a_page_is_salvaged_up_to_it_and_says_so(open_kernel, many_pages, tmp_path, beyond):
    with many_pages.open("r+b") as file:
        file.truncate(many_pages.stat().st_size // 2 // 4096 * 4096 + beyond)
    kernel = open_kernel(many_pages, salvage=True)
    head = kernel.head()
    assert head > 600
    for options in ({}, {"salvage": True}):
        report = kernel.export_file(tmp_path / "left.jsonl", force=True, **options)
        assert (report.count, report.last_id) == (head, head)
        assert f"ends at event {head}" in report.notes[-1]
    assert [event.id for event in kernel.read()] == list(range(1, head + 1))
    for limit in (None, 1, 5):
        backwards = [event.id for event in kernel.read(backwards=True, limit=limit)]
        assert backwards == list(range(head, 0, -1))[:limit]
    assert (kernel.count(Query(cmd="filled")), kernel.storage.last(Query(cmd="filled"))) == (head, head)
    assert [event.id for event in kernel.page(Query(cmd="filled"), offset=head - 1).events] == [head]


def test_what_is_salvaged_is_verified_and_cannot_be_written(open_kernel, many_pages):
    truncate(many_pages, 0.6)
    before = many_pages.read_bytes()
    kernel = open_kernel(many_pages, salvage=True)
    report = kernel.verify()
    assert report.events == kernel.head() > 0
    assert report.problems
    with pytest.raises(StoreReadOnlyError):
        kernel.append("more")
    assert many_pages.read_bytes() == before


def test_salvage_reads_a_sound_file_to_its_end_and_creates_none(open_kernel, many_pages, path):
    assert len(list(open_kernel(many_pages, salvage=True).read())) == 2000
    with pytest.raises(StoreNotFoundError):
        open_kernel(path.with_name("other.db"), salvage=True)


def test_a_file_cut_inside_its_header_is_a_typed_error(open_kernel, many_pages):
    with many_pages.open("r+b") as file:
        file.truncate(50)
    assert_refused_untouched(open_kernel, many_pages, ForeignFileError, "is not a database")


def test_pages_full_of_noise_never_escape_as_raw_errors(open_kernel, many_pages, dice, long):
    """Whatever page is overwritten, everything either works or raises a typed error, and verify survives."""
    sound = many_pages.read_bytes()
    for _ in range(100 if long else 12):
        page = dice.randrange(1, len(sound) // 4096)
        noise = dice.randbytes(4096)
        many_pages.write_bytes(sound[: page * 4096] + noise + sound[(page + 1) * 4096 :])
        try:
            with open_kernel(many_pages) as kernel:
                kernel.verify()
                kernel.page(Query(cmd="filled"))
                list(kernel.read(backwards=True))
                kernel.append("after")
        except StorageError:
            continue
