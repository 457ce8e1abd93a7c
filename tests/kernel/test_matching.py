"""What a query means, row by row."""

from __future__ import annotations

import datetime as dt

import pytest

from eventlite.drafting import draft_batch
from eventlite.event import NewEvent, Row, to_microseconds
from eventlite.matching import matcher
from eventlite.query import Query

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)


def row(**fields) -> Row:
    """A stored event; `causation_id` is settled here, as admission would."""
    causation = fields.pop("causation_id", None)
    new = NewEvent(**{"cmd": "placed", "correlation_id": "c", **fields})
    (draft,) = draft_batch([new], recorded=to_microseconds(NOON)).drafts
    return (1, *draft[:7], causation, *draft[8:])


def matches(query: Query, **fields) -> bool:
    return matcher(query)(row(**fields))


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (Query(), {}),
        (Query(cmd="placed"), {}),
        (Query(cmd=["paid", "placed"]), {}),
        (Query(user=""), {}),
        (Query(user="alice"), {"user": "alice"}),
        (Query(correlation_id="c"), {}),
        (Query(causation_id=7), {"causation_id": 7}),
        (Query(version=2), {"version": 2}),
        (Query(since=NOON), {}),
        (Query(until=NOON + SECOND), {}),
        (Query(since=NOON.astimezone(dt.timezone(dt.timedelta(hours=-5)))), {}),
        (Query(tags=["a", "b"]), {"tags": ["c", "b", "a"]}),
        (Query(data={"n": 1}), {"data": {"n": 1.0}}),
        (Query(data={"n": 1.0}), {"data": {"n": 1}}),
        (Query(data={"n": 0}), {"data": {"n": -0.0}}),
        (Query(data={"n": None}), {"data": {"n": None}}),
        (Query(data={"n": False}), {"data": {"n": False}}),
        (Query(data={"a.b.c": "x"}), {"data": {"a": {"b": {"c": "x"}}}}),
        (Query(data={"text": "a\0é🎉"}), {"data": {"text": "a\0é🎉"}}),
        (Query(data={"n": 1, "m": 2}), {"data": {"m": 2, "n": 1, "o": 3}}),
        (Query(cmd="paid") | Query(user="alice"), {"user": "alice"}),
        (
            Query(cmd="placed", user="alice", tags="a", data={"n": 1}),
            {"user": "alice", "tags": ["a"], "data": {"n": 1}},
        ),
    ],
)
def test_it_matches(query, fields):
    assert matches(query, **fields)


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        (Query(cmd="Placed"), {}),
        (Query(cmd=["paid", "place"]), {}),
        (Query(user=""), {"user": "alice"}),
        (Query(correlation_id="C"), {}),
        (Query(causation_id=1), {}),
        (Query(version=2), {}),
        (Query(since=NOON + dt.timedelta(microseconds=1)), {}),
        (Query(until=NOON), {}),
        (Query(tags=["a", "b"]), {"tags": ["a"]}),
        (Query(tags="a"), {"tags": ["ab"]}),
        (Query(data={"n": 1}), {"data": {"n": True}}),
        (Query(data={"n": True}), {"data": {"n": 1}}),
        (Query(data={"n": 1}), {"data": {"n": "1"}}),
        (Query(data={"n": 2**53}), {"data": {"n": 2**53 + 1}}),
        (Query(data={"n": None}), {"data": {}}),
        (Query(data={"a.b": None}), {"data": {"a": None}}),
        (Query(data={"a.b": 1}), {"data": {"a.b": 1}}),
        (Query(data={"a.0": 1}), {"data": {"a": [1]}}),
        (Query(data={"a": "[]"}), {"data": {"a": []}}),
        (Query(data={"text": "a"}), {"data": {"text": "a\0"}}),
        (Query(data={"n": 1, "m": 2}), {"data": {"n": 1}}),
        (Query(cmd="paid") | Query(user="alice"), {}),
        (Query(cmd="placed", user="alice", tags="a"), {"user": "alice"}),
    ],
)
def test_it_does_not_match(query, fields):
    assert not matches(query, **fields)


def test_the_payload_is_decoded_only_when_nothing_else_excludes_the_row():
    damaged = (*row(user="alice")[:6], "{no json", *row()[7:])
    assert not matcher(Query(user="bob", data={"n": 1}))(damaged)
