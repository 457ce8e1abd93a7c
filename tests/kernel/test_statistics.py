"""A summary by reading everything."""

from __future__ import annotations

from contextlib import closing

import pytest
from eventlite_memory import MemoryStorage
from hypothesis import given
from hypothesis import strategies as st

from eventlite.contracts import Committed, Statistics
from eventlite.drafting import draft_batch
from eventlite.event import NewEvent
from eventlite.statistics import summarise


@pytest.fixture
def storage():
    with closing(MemoryStorage()) as storage:
        yield storage


def append(storage, *events: NewEvent, recorded: int = 1):
    (outcome,) = storage.commit([draft_batch(events, recorded=recorded)])
    assert isinstance(outcome, Committed)
    return outcome.rows


def test_without_events(storage):
    assert summarise(storage) == Statistics(0, 0, 0, 0, 0, None, None, {}, {}, {})


def test_counts_by_everything(storage):
    first = NewEvent("placed", user="alice", correlation_id="c1")
    append(storage, first, NewEvent("paid", cause=first), NewEvent("paid", version=2, cause=first), recorded=50)
    append(storage, NewEvent("placed", user="bob", correlation_id="c2"), recorded=20)
    assert summarise(storage) == Statistics(
        events=4,
        head=4,
        correlations=2,
        roots=2,
        children=2,
        first=20,
        last=50,
        by_cmd={"placed": 2, "paid": 2},
        by_user={"alice": 1, "": 2, "bob": 1},
        by_version={1: 3, 2: 1},
    )


def test_more_events_than_a_page(storage):
    append(storage, *(NewEvent("x" if n % 3 else "y") for n in range(2500)))
    summary = summarise(storage)
    assert (summary.events, summary.head, summary.correlations) == (2500, 2500, 2500)
    assert summary.by_cmd == {"x": 1666, "y": 834}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(("", "u")), st.integers(-5, 5)), max_size=20))
def test_the_parts_add_up(history):
    with closing(MemoryStorage()) as storage:
        for cmd, user, recorded in history:
            append(storage, NewEvent(cmd, user=user), recorded=recorded)
        summary = summarise(storage)
    times = [recorded for _, _, recorded in history]
    assert (summary.first, summary.last) == (min(times, default=None), max(times, default=None))
    assert summary.events == len(history) == summary.roots + summary.children
    for counts in (summary.by_cmd, summary.by_user, summary.by_version):
        assert sum(counts.values()) == len(history)
