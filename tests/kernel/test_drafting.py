"""From new events to drafts: what is checked, and what it says."""

from __future__ import annotations

import os
import time
import uuid
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlite.contracts import PlainDrafts
from eventlite.drafting import MAX_NAME, MAX_TAGS, draft_batch, encode, new_correlation, new_correlations
from eventlite.errors import InvalidEventError, shown
from eventlite.event import MAX_ID, Event, NewEvent, decode_tags, verify_checksum


def draft(*events, **fields):
    return draft_batch(events or [NewEvent(**{"cmd": "a", **fields})], recorded=1)


def stored(**fields) -> Event:
    return Event((7, *draft(**fields).drafts[0]))


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_plain_event():
    (values,) = draft(cmd="a", data={"n": 1}, user="u", ip="i", version=2, correlation_id="c").drafts
    assert values[:11] == (2, 1, "u", "i", "a", '{"n":1}', "c", None, "{}", "[]", None)
    verify_checksum((1, *values))


def test_every_event_without_a_correlation_gets_its_own():
    drafts = draft(NewEvent("a"), NewEvent("a")).drafts
    assert len({values[6] for values in drafts}) == 2
    assert all(len(values[6]) == 36 for values in drafts)


def test_later_correlations_sort_later():
    made = [new_correlation() for _ in range(1000)]
    assert made == sorted(set(made))


@pytest.mark.parametrize("field", ["cmd", "user", "ip", "key", "correlation_id"])
@pytest.mark.parametrize(
    "value", ["a\0b", "\ud800", "x" * (MAX_NAME + 1), "x" * 10_000, b"bytes", 5, 10**5000, ["a"]], ids=shown
)
def test_names_that_are_refused(field, value):
    with pytest.raises(InvalidEventError, match=field):
        draft(**{field: value})


@pytest.mark.parametrize("field", ["cmd", "key", "correlation_id"])
def test_names_that_must_not_be_empty(field):
    with pytest.raises(InvalidEventError, match=f"{field} must have 1 to 255 characters, not 0"):
        draft(**{field: ""})


@pytest.mark.parametrize("field", ["cmd", "user", "ip"])
def test_names_that_must_not_be_none(field):
    with pytest.raises(InvalidEventError, match=f"{field} must be a text, not NoneType"):
        draft(**{field: None})


@pytest.mark.parametrize("value", ["x" * MAX_NAME, "🎉" * MAX_NAME, "a b\n\t'\";--", "e\u0301"])
def test_names_that_are_kept(value):
    event = stored(cmd=value, user=value, ip=value, key=value, correlation_id=value, tags=[value])
    assert {event.cmd, event.user, event.ip, event.key, event.correlation_id, *event.tags} == {value}


@pytest.mark.parametrize("version", [0, -1, 2**31, 10**5000, True, 1.0, "1", None], ids=shown)
def test_versions_that_are_refused(version):
    with pytest.raises(InvalidEventError, match="version must be an int from 1"):
        draft(version=version)


def test_tags_keep_their_order_each_once():
    assert stored(tags=["b", "a", "b"]).tags == ("b", "a")
    assert stored(tags=()).tags == stored(tags=[]).tags == ()


@given(st.sets(st.text("abcé", min_size=1), max_size=9))
def test_a_set_of_tags_always_makes_the_same_text(tags):
    assert draft(tags=tags).drafts[0][9] == draft(tags=frozenset(sorted(tags, reverse=True))).drafts[0][9]
    assert decode_tags(draft(tags=tags).drafts[0][9]) == tuple(sorted(tags))


@pytest.mark.parametrize(
    "tags",
    ["user:1", {"user": 1}, 5, b"ab", ["a", ""], ["a", None], [["a"]], ["a\0"], ["\udfff"], ["x" * 256]],
    ids=shown,
)
def test_tags_that_are_refused(tags):
    with pytest.raises(InvalidEventError, match="tag"):
        draft(tags=tags)


def test_too_many_tags():
    assert len(stored(tags=[f"t{n}" for n in range(MAX_TAGS)]).tags) == MAX_TAGS
    with pytest.raises(InvalidEventError, match="1,000 tags, not 1,001"):
        draft(tags=[f"t{n}" for n in range(MAX_TAGS + 1)])


@pytest.mark.parametrize("field", ["cmd", "user", "key", "tags", "version", "cause", "data"])
def test_a_value_that_cannot_be_shown_is_refused_all_the_same(field):
    with pytest.raises(InvalidEventError, match=field.rstrip("s")):
        draft(**{field: nested(100_000)})


@pytest.mark.parametrize("cause", [0, -1, MAX_ID + 1, 10**5000, True, 1.0, "1", {"id": 1}], ids=shown)
def test_causes_that_are_refused(cause):
    with pytest.raises(InvalidEventError, match="cause must be an Event, an id or"):
        draft(cause=cause)


def test_a_cause_by_id_leaves_the_correlation_open():
    request = draft(cause=5)
    assert request.drafts[0][6:8] == ("", 5)
    assert request.caused


def test_an_empty_correlation_is_refused_beside_a_cause_too():
    with pytest.raises(InvalidEventError, match="correlation_id"):
        draft(cause=5, correlation_id="")


def test_a_cause_by_event_passes_its_correlation_on():
    cause = stored(correlation_id="c")
    assert draft(cause=cause).drafts[0][6:8] == ("c", 7)
    assert draft(cause=cause, correlation_id="own").drafts[0][6:8] == ("own", 7)


def test_causes_inside_the_batch_are_links():
    first = NewEvent("a", correlation_id="c")
    second = NewEvent("b", cause=first)
    request = draft(first, second, NewEvent("c", cause=second))
    assert request.links == {1: 0, 2: 1}
    assert [values[6] for values in request.drafts] == ["c", "c", "c"]
    assert request.caused


def test_a_cause_may_stand_twice_in_a_batch():
    cause = NewEvent("a")
    assert draft(cause, NewEvent("b", cause=cause), cause).links == {1: 0}


def test_a_cause_must_come_earlier_in_the_batch():
    late = NewEvent("late")
    itself = NewEvent("self")
    itself.cause = itself
    for events in ([NewEvent("a", cause=late), late], [NewEvent("a", cause=late)], [itself]):
        with pytest.raises(InvalidEventError, match="does not come earlier"):
            draft(*events)


def test_an_error_names_the_event_of_a_batch():
    with pytest.raises(InvalidEventError, match=r"event 1 of the batch: data\.n is nan"):
        draft(NewEvent("a"), NewEvent("b", {"n": float("nan")}))


@pytest.mark.parametrize("thing", [{"cmd": "a"}, "a", None, 5, stored(), ("a", {})], ids=shown)
def test_only_new_events_are_drafted(thing):
    with pytest.raises(InvalidEventError, match=r"event 0 of the batch is a .*, not a NewEvent"):
        draft(thing)
    with pytest.raises(InvalidEventError, match=r"event 1 of the batch is a .*, not a NewEvent"):
        draft(NewEvent("a"), thing)


def test_no_events_are_an_empty_request():
    assert list(draft_batch([], recorded=1).drafts) == []


def test_what_a_request_says_about_its_events():
    plain, keyed = draft(), draft(key="k")
    assert (plain.keyed, plain.caused) == (False, False)
    assert (keyed.keyed, keyed.given_correlations) == (True, frozenset())
    assert draft(key="k", correlation_id="c").given_correlations == {0}
    both = draft(NewEvent("a", correlation_id="c"), NewEvent("b", key="k"))
    assert (both.keyed, both.given_correlations) == (True, {0})


@pytest.mark.parametrize("amount", [1, 7, 8, 1000, 2**14 + 10])
def test_correlations_made_together_are_uuids_of_version_7_that_grow(amount):
    before = int(time.time() * 1000)
    made = list(islice(new_correlations(amount), amount))
    assert len(made) == len(set(made)) == amount
    assert made[: 2**14] == sorted(made[: 2**14])
    for correlation in (made[0], made[-1]):
        parsed = uuid.UUID(correlation)
        assert str(parsed) == correlation
        assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
        assert 0 <= (parsed.int >> 80) - before < 60_000


def test_the_longest_series_of_correlations_fits_wherever_it_begins(monkeypatch):
    monkeypatch.setattr(os, "urandom", lambda amount: b"\xff" * amount)  # it begins as high as it can
    made = list(islice(new_correlations(2**14), 2**14))
    assert made == sorted(made)
    assert len({correlation[:-12] for correlation in made}) == 1
    assert {len(correlation) for correlation in made} == {36}


@given(
    st.sampled_from([1, 2, 9, 10, 2**31 - 1]),
    st.sampled_from(["", "ann", "ann", "zoë", "null"]),
    st.dictionaries(st.text("ab"), st.none() | st.text() | st.integers(-5, 5)),
    st.none() | st.dictionaries(st.text("ab"), st.none() | st.text("é")),
    st.none() | st.just("c-1"),
)
def test_the_quick_way_says_the_same_as_the_careful_one(version, user, data, metadata, correlation):
    event = NewEvent("cmd", data, user, "::1", version, metadata, correlation_id=correlation)
    for quick in draft(event, event).drafts:
        assert quick == encode(event, 1, quick[6], None)
        verify_checksum((1, *quick))


_KINDS = (
    {},
    {"user": "never seen before"},
    {"data": {"n": None}},
    {"tags": ["user:42"]},
    {"key": "k"},
    {"cause": 3, "correlation_id": "own"},
)


@given(st.lists(st.sampled_from(_KINDS), min_size=1, max_size=8))
def test_events_of_all_kinds_in_one_batch_are_drafted_as_each_alone(kinds):
    events = [NewEvent(**{"cmd": "a", "data": {}, "correlation_id": "c", **kind}) for kind in kinds]
    drafts = draft(*events).drafts
    assert list(drafts) == [draft(event).drafts[0] for event in events]
    assert isinstance(drafts, PlainDrafts) is all(kind.keys() <= {"user", "data"} for kind in kinds)


def test_plain_drafts_are_a_sequence_of_drafts():
    drafts = draft(*(NewEvent("a", {"n": n}, correlation_id="c") for n in range(5))).drafts
    whole = list(drafts)
    assert [draft[5] for draft in whole] == [f'{{"n":{n}}}' for n in range(5)]
    assert (len(drafts), drafts[-1], drafts[1::2]) == (5, whole[-1], whole[1::2])
