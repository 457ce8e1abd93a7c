"""The public surface, the same on both kernels and both storages."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from eventlite import Condition, ConflictError, InvalidEventError, InvalidQueryError, NewEvent, Query


def test_what_append_returns_is_what_is_read(kernel: Any) -> None:
    stored = kernel.append(
        "signedUp",
        {"email": "a@example.com", "n": [1, 2.5, None, True]},
        user="alice",
        ip="10.0.0.1",
        version=3,
        metadata={"via": "web"},
        tags=["user:42", "b"],
        key="k1",
    )
    assert kernel.get(stored.id) == stored
    assert list(kernel.read()) == [stored]
    assert kernel.by_correlation(stored.correlation_id) == [stored]
    assert (stored.version, stored.user, stored.ip, stored.tags, stored.key) == (
        3, "alice", "10.0.0.1", ("user:42", "b"), "k1",
    )  # fmt: skip
    assert stored.datetime.tzinfo is dt.UTC


def test_causes_lead_from_root_to_leaf(kernel: Any) -> None:
    root = kernel.append("a")
    middle = kernel.append("b", cause=root)
    leaf = kernel.append("c", cause=middle.id)
    assert kernel.lineage(leaf.id) == [root, middle, leaf]
    assert kernel.children(root.id) == [middle]
    assert leaf.correlation_id == root.correlation_id
    assert kernel.lineage(99) == []
    assert kernel.get(99) is None


def test_a_batch_is_all_or_nothing(kernel: Any) -> None:
    first = NewEvent("a")
    assert [event.id for event in kernel.append_many([first, NewEvent("b", cause=first)])] == [1, 2]
    with pytest.raises(InvalidEventError):
        kernel.append_many([NewEvent("c"), NewEvent("d", {"bad": {1}})])
    assert kernel.head() == 2


def test_a_condition_holds_or_conflicts(kernel: Any) -> None:
    seen = kernel.append("opened", tags=["account:1"])
    guard = Condition(Query(tags=["account:1"]), after=seen.id)
    kernel.append("deposited", tags=["account:1"], condition=guard)
    with pytest.raises(ConflictError) as conflict:
        kernel.append("withdrawn", tags=["account:1"], condition=guard)
    assert conflict.value.position == 2
    with pytest.raises(InvalidQueryError, match="beyond the head"):
        kernel.append("x", condition=Condition(Query(cmd="x"), after=99))


def test_a_known_key_returns_the_stored_event_and_skips_the_condition(kernel: Any) -> None:
    paid = kernel.append("paid", {"cents": 5}, key="p-1", tags=["t"])
    never = Condition(Query(tags=["t"]), after=0)
    assert kernel.append("paid", {"cents": 5}, key="p-1", tags=["t"], condition=never) == paid
    with pytest.raises(ConflictError, match="other content"):
        kernel.append("paid", {"cents": 5.0}, key="p-1", tags=["t"])


def test_bulk_says_what_was_committed_before_a_bad_event(kernel: Any) -> None:
    events = [NewEvent("x", {"n": n}) for n in range(10)] + [NewEvent("")]
    with pytest.raises(InvalidEventError) as refused:
        kernel.append_bulk(events, batch_size=4)
    assert (refused.value.report.count, kernel.head()) == (8, 8)
    assert kernel.append_bulk(NewEvent("y") for _ in range(5)).count == 5


def test_reading_forwards_backwards_and_in_part(kernel: Any) -> None:
    kernel.append_many([NewEvent("odd" if n % 2 else "even") for n in range(1, 11)])
    ids = lambda events: [event.id for event in events]  # noqa: E731
    assert ids(kernel.read(Query(cmd="odd"))) == [1, 3, 5, 7, 9]
    assert ids(kernel.read(backwards=True, limit=3)) == [10, 9, 8]
    assert ids(kernel.read(after=2, before=6)) == [3, 4, 5]
    assert [ids(batch) for batch in kernel.stream(Query(cmd="even"), after=2, batch_size=3)] == [[4, 6, 8], [10]]
    assert kernel.count(Query(cmd="odd") | Query(cmd="even")) == 10


def test_pages_by_offset_and_by_cursor(kernel: Any) -> None:
    kernel.append_many([NewEvent("x", {"n": n}) for n in range(5)])
    first = kernel.page(Query(cmd="x"), limit=2)
    assert (len(first.events), first.total_count, first.has_more, first.next_offset) == (2, 5, True, 2)
    second = kernel.page(Query(cmd="x"), limit=2, offset=first.next_offset)
    kernel.append("x", {"n": 5})
    by_cursor = kernel.page(Query(cmd="x"), limit=2, cursor=first.next_cursor)
    assert by_cursor.events == second.events
    assert by_cursor.total_count == 6
    last = kernel.page(Query(cmd="x"), limit=2, cursor=by_cursor.next_cursor)
    assert (len(last.events), last.has_more, last.next_cursor) == (2, False, None)
    assert kernel.page(Query(cmd="x"), limit=2, count=False).total_count is None
    with pytest.raises(InvalidQueryError, match="another query"):
        kernel.page(Query(cmd="y"), cursor=first.next_cursor)


def test_times_are_aware_and_bounds_are_half_open(kernel: Any) -> None:
    event = kernel.append("x")
    assert kernel.count(Query(since=event.datetime)) == 1
    assert kernel.count(Query(until=event.datetime)) == 0
    with pytest.raises(InvalidQueryError, match="time zone"):
        Query(since=dt.datetime(2026, 1, 1))


def test_files_go_out_and_come_back(kernel: Any, tmp_path: Path) -> None:
    root = kernel.append("a", {"é": "\u0000"}, tags=["t"])
    kernel.append("b", cause=root)
    out = kernel.export_file(tmp_path / "events.jsonl")
    assert out.count == 2
    told: list[tuple[int, int]] = []
    assert kernel.verify(progress=lambda *numbers: told.append(numbers)).digest == out.digest
    assert told == [(2, 2)]
    back = kernel.import_file(tmp_path / "events.jsonl", append=True)
    assert (back.count, back.renumbered, kernel.head()) == (2, True, 4)
    assert kernel.get(4).causation_id == 3


def test_jobs_run_when_asked(kernel: Any) -> None:
    ran = []
    kernel.jobs.worker("note")(lambda job: ran.append(job.data["id"]))
    kernel.jobs.on_event("x", "note", lambda event: {"id": event.id})
    kernel.append("x")
    assert ran == []
    assert kernel.jobs.run_until_idle() == 1
    assert ran == [1]


def test_the_cache_is_never_stale_and_counts(kernel: Any) -> None:
    event = kernel.append("x")
    assert kernel.get(event.id) == kernel.get(event.id)
    assert len(kernel.by_correlation(event.correlation_id)) == 1
    kernel.append("y", cause=event)
    assert len(kernel.by_correlation(event.correlation_id)) == 2
    assert kernel.cache.stats().hits >= 1
    kernel.cache.clear()
    assert kernel.cache.stats().size == 0


def test_wrong_arguments_are_refused_with_words(kernel: Any) -> None:
    kernel.append("x")
    for call in (
        lambda: kernel.by_correlation(None),
        lambda: kernel.children(None),
        lambda: kernel.get("1"),
        lambda: kernel.append("x", condition=Query(cmd="x")),
        lambda: kernel.page(Query(), limit=2**70),
        lambda: kernel.count("x"),
    ):
        with pytest.raises(InvalidQueryError):
            call()
    for call in (lambda: kernel.append_many(None), lambda: kernel.append_bulk(5), lambda: kernel.append_many(["x"])):
        with pytest.raises(InvalidEventError):
            call()
    assert kernel.get(2**70) is None
    assert kernel.head() == 1
