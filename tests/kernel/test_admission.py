"""Whether a batch is accepted, over a store that is a plain list."""

from __future__ import annotations

from dataclasses import replace

import pytest
from eventlite_memory.reading import MemoryReader

from eventlite.admission import admit
from eventlite.contracts import Committed
from eventlite.drafting import draft_batch
from eventlite.errors import ConflictError, InvalidEventError, InvalidQueryError
from eventlite.event import MAX_ID, NewEvent, verify_checksum
from eventlite.query import Condition, Query


class View(MemoryReader):
    """What admission asks: rows in a list, nothing locked, nothing kept."""

    def __init__(self, *rows):
        super().__init__(list(rows), len(rows))

    def by_key(self, key):
        return next((row for row in self._rows if row[11] == key), None)


def request(*events, condition=None, **changes):
    return replace(draft_batch(events, condition, recorded=1), **changes)


def store(*events) -> View:
    return View(*admit(request(*events), View()).rows)


def test_ids_go_on_from_the_head():
    rows = admit(request(NewEvent("a"), NewEvent("b")), store(NewEvent("x"), NewEvent("y"))).rows
    assert [row[0] for row in rows] == [3, 4]


def test_a_row_is_its_draft_with_an_id():
    asked = request(NewEvent("a", {"n": 1}, tags=["t"], key="k"))
    assert admit(asked, View()) == Committed([(1, *asked.drafts[0])], new=True)


@pytest.mark.parametrize("ids", [[], [7], [7, 8, 9]])
def test_every_event_needs_its_id(ids):
    with pytest.raises(InvalidEventError, match="2 events have"):
        admit(request(NewEvent("a"), NewEvent("b"), ids=ids), View())


@pytest.mark.parametrize("ids", [[1, 2], [0, 5], [5, 5], [6, 5], [5, MAX_ID + 1]])
def test_given_ids_grow_beyond_the_head(ids):
    with pytest.raises(InvalidEventError, match="cannot follow"):
        admit(request(NewEvent("a"), NewEvent("b"), ids=ids), store(NewEvent("x")))


def test_the_store_is_full_at_the_largest_id():
    last = admit(request(NewEvent("a"), ids=[MAX_ID]), View()).rows
    with pytest.raises(InvalidEventError, match="full"):
        admit(request(NewEvent("b")), View(*last))


def test_known_keys_come_before_the_condition():
    view = store(NewEvent("a", key="k"))
    never = Condition(Query(cmd="a"))
    assert admit(request(NewEvent("a", key="k"), condition=never), view) == Committed([view.get(1)], new=False)
    with pytest.raises(ConflictError, match="condition"):
        admit(request(NewEvent("a", key="new"), condition=never), view)


def test_the_condition_comes_before_causes():
    with pytest.raises(ConflictError):
        admit(request(NewEvent("b", cause=99), condition=Condition(Query(cmd="a"))), store(NewEvent("a")))


def test_a_conflict_names_the_key_and_the_event():
    with pytest.raises(ConflictError, match=r"key 'k' is known with other content \(event 2, a\)") as caught:
        admit(request(NewEvent("b", key="k")), store(NewEvent("x"), NewEvent("a", key="k")))
    assert caught.value.position == 2


def test_a_cause_in_the_batch_is_content():
    def events(*, linked: bool) -> list[NewEvent]:
        first = NewEvent("a", key="k1", correlation_id="c")
        return [first, NewEvent("b", key="k2", cause=first if linked else None)]

    view = store(*events(linked=True))
    assert not admit(request(*events(linked=True)), view).new
    with pytest.raises(ConflictError, match="other content"):
        admit(request(*events(linked=False)), view)


def test_a_set_of_tags_is_the_same_content_in_any_order():
    view = store(NewEvent("a", key="k", tags={"t1", "t2", "t3"}))
    assert not admit(request(NewEvent("a", key="k", tags=["t1", "t2", "t3"])), view).new


def test_keys_of_a_batch_differ_whoever_made_the_request():
    twice = request(NewEvent("a", key="k1"), NewEvent("b", key="k2"))
    drafts = [(*draft[:10], "same", draft[11]) for draft in twice.drafts]
    with pytest.raises(InvalidEventError, match="'same'"):
        admit(replace(twice, drafts=drafts), View())


def test_a_position_beyond_the_head():
    with pytest.raises(InvalidQueryError, match=r"position 2 is beyond the head, 1"):
        admit(request(NewEvent("a"), condition=Condition(Query(cmd="b"), after=2)), store(NewEvent("x")))


def test_a_correlation_goes_down_a_chain():
    view = store(NewEvent("root", correlation_id="c"))
    first = NewEvent("first", cause=1)
    second = NewEvent("second", cause=first)
    rows = admit(request(first, second, NewEvent("third", cause=second)), view).rows
    assert [(row[7], row[8]) for row in rows] == [("c", 1), ("c", 2), ("c", 3)]
    for row in rows:
        verify_checksum(row)


def test_a_missing_cause():
    with pytest.raises(InvalidEventError, match="event 9, the cause of 'a'"):
        admit(request(NewEvent("a", cause=9)), store(NewEvent("x")))


def test_a_cause_that_comes_later_is_missing():
    with pytest.raises(InvalidEventError, match="event 6"):
        admit(request(NewEvent("a", cause=6), NewEvent("b"), ids=[5, 6]), View())


def test_a_dangling_cause_is_kept_when_asked_and_the_event_has_a_correlation():
    (row,) = admit(request(NewEvent("a", cause=9), keep_dangling=True), View()).rows
    assert row[8] == 9
    assert row[7]
    verify_checksum(row)
    (given,) = admit(request(NewEvent("a", cause=9, correlation_id="c"), keep_dangling=True), View()).rows
    assert given[7:9] == ("c", 9)
