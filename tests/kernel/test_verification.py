"""Verification: every event as it was written, in its place, with its cause; whatever the storage."""

from __future__ import annotations

import hashlib
from contextlib import closing, contextmanager

import pytest
from eventlite_memory.storage import MemoryStorage

from eventlite import Kernel, NewEvent
from eventlite.contracts import CommitRequest
from eventlite.digest import canonical_line
from eventlite.drafting import draft_batch, encode
from eventlite.errors import CorruptionError, StorageError
from eventlite.event import COLUMNS
from eventlite.verification import verify


@pytest.fixture
def storage():
    with closing(MemoryStorage()) as storage:
        yield storage


def store(storage, *events, **how):
    request = draft_batch(list(events), recorded=0)
    for name, value in how.items():
        setattr(request, name, value)
    (outcome,) = storage.commit([request])
    return outcome.rows


def change(storage, index, **values):
    """Change a stored row behind the storage's back."""
    row = list(storage._rows[index])
    for name, value in values.items():
        row[COLUMNS.index(name)] = value
    storage._rows[index] = tuple(row)


@contextmanager
def unreadable(storage, position, *, known=True):
    """Reads that meet an event raise, as those of a damaged file do."""
    read = storage.read

    def read_some(query, **arguments):
        rows = read(query, **arguments)
        if any(row[0] == position for row in rows):
            raise CorruptionError("bad page", position=position if known else None)
        return rows

    storage.read = read_some
    yield
    del storage.read


# --- sound stores


def test_an_empty_store_is_sound(kernel):
    report = kernel.verify()
    assert (report.events, report.problems, report.dangling) == (0, [], 0)
    assert report.digest == hashlib.sha256().hexdigest()


def test_a_store_of_all_kinds_of_events_is_sound(kernel):
    root = kernel.append("root", {"text": "\u0000ünïcödé 😀", "n": [1.5, None, 2**63]}, tags=["a", "b"], key="k")
    kernel.append("leaf", cause=root, metadata={"deep": {"er": []}})
    kernel.append_many([NewEvent("many", {"n": n}) for n in range(2500)])
    report = kernel.verify()
    assert (report.events, report.problems, report.dangling) == (2502, [], 0)
    lines = b"".join(canonical_line(event.row) for event in kernel.read())
    assert report.digest == hashlib.sha256(lines).hexdigest()


def test_gaps_between_ids_are_no_problem(storage):
    store(storage, NewEvent("a"), NewEvent("b"), NewEvent("c"), ids=[3, 10, 2**53 - 1])
    report = verify(storage)
    assert (report.events, report.problems) == (3, [])


def test_progress_is_told_per_batch(storage):
    store(storage, *[NewEvent("n") for _ in range(2500)])
    told = []
    verify(storage, lambda *numbers: told.append(numbers))
    assert told == [(1000, 2500), (2000, 2500), (2500, 2500)]


def test_what_is_appended_meanwhile_is_left_for_the_next_time(storage):
    store(storage, *[NewEvent("n") for _ in range(1500)])
    report = verify(storage, lambda done, head: store(storage, NewEvent("later")) and None)
    assert report.events == 1500
    assert report.problems == []


# --- what is found


CHANGES = [
    ("version", 2), ("datetime", 1), ("datetime", 2**70), ("user", "eve"), ("ip", "::1"), ("cmd", "other"),
    ("data", "{}"), ("data", b"{}"), ("data", "not json"),
    ("correlation_id", "x"), ("causation_id", 1), ("causation_id", "1"),
    ("metadata", '{"a":1}'), ("tags", '["x"]'), ("key", "x"), ("crc", 7),
]  # fmt: skip


@pytest.mark.parametrize(("column", "value"), CHANGES)
def test_whatever_was_changed_is_found_and_named(storage, column, value):
    store(storage, *[NewEvent("n", {"n": n}) for n in range(3)])
    change(storage, 1, **{column: value})
    report = verify(storage)
    assert report.events == 3
    assert len(report.problems) == 1
    assert "event 2 is damaged" in report.problems[0]


def test_every_damaged_event_is_named(storage):
    store(storage, *[NewEvent("n", {"n": n}) for n in range(2000)])
    for index in (0, 999, 1000, 1999):
        change(storage, index, user="eve")
    problems = verify(storage).problems
    assert [problem.partition(":")[0] for problem in problems] == [
        f"event {id} is damaged" for id in (1, 1000, 1001, 2000)
    ]


def test_a_cause_that_comes_later_dangles_like_one_that_is_not_there(storage):
    drafts = [encode(NewEvent("n"), 0, "c", cause) for cause in (None, 2, None)]
    storage.commit([CommitRequest(drafts, keep_dangling=True, caused=True)])
    report = verify(storage)
    assert (report.problems, report.dangling) == ([], 1)


def test_a_cause_that_is_not_there_is_counted_and_no_problem(storage):
    drafts = [encode(NewEvent("n"), 0, "c", cause) for cause in (1, 4, 9)]
    storage.commit([CommitRequest(drafts, ids=[5, 7, 11], keep_dangling=True, caused=True)])
    report = verify(storage)
    assert (report.problems, report.dangling) == ([], 3)


def test_what_the_storage_finds_itself_is_added(storage):
    store(storage, NewEvent("n"))
    storage.check = lambda: iter(["the index is torn", "a page is lost"])
    assert verify(storage).problems == ["the index is torn", "a page is lost"]


def test_a_storage_that_cannot_check_itself_says_why(storage):
    def check():
        yield "first"
        raise StorageError("it fell apart")

    storage.check = check
    assert verify(storage).problems == ["first", "it fell apart"]


# --- what cannot be read


@pytest.mark.parametrize("position", [1, 2, 1000, 1001, 2500])
def test_the_events_around_one_that_cannot_be_read_are_verified(storage, position):
    store(storage, *[NewEvent("n") for _ in range(2500)])
    with unreadable(storage, position):
        report = verify(storage)
    assert report.events == 2499
    assert report.problems == ["bad page"]


@pytest.mark.parametrize("position", [1, 700, 1001])
def test_without_a_position_it_goes_as_far_as_it_can_and_says_how_far(storage, position):
    store(storage, *[NewEvent("n") for _ in range(1500)])
    storage.check = lambda: iter(["page 7 is torn"])
    with unreadable(storage, position, known=False):
        report = verify(storage)
    assert report.events == position - 1
    assert report.problems == [f"after event {position - 1}: bad page", "page 7 is torn"]


def test_a_store_that_cannot_say_its_head_is_a_problem_and_no_exception(storage):
    def head():
        raise CorruptionError("no root page")

    storage.head = head
    assert verify(storage).problems == ["after event 0: no root page"]


def test_the_digest_does_not_depend_on_the_storage(tmp_path):
    events = [NewEvent("same", {"n": n}, correlation_id="c", tags=["t"], key=f"{n}") for n in range(10)]
    request = draft_batch(events, recorded=5)
    digests = set()
    for section in ({"plugin": "memory"}, {"path": f"{tmp_path}/events.db"}):
        with Kernel.from_profile(storage=section) as kernel:
            kernel.storage.commit([request])
            digests.add(kernel.verify().digest)
    assert len(digests) == 1
