"""Queries and conditions as values: what they normalise, and what they refuse."""

from __future__ import annotations

import datetime as dt

import pytest

from eventlite.errors import InvalidQueryError, shown
from eventlite.event import MAX_ID
from eventlite.query import Condition, DataTerm, Query, check_position

NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


def texts(value) -> tuple[str, ...]:
    return Query(data={"x": value}).terms[0].texts


def test_one_name_or_several_are_a_tuple():
    assert Query(cmd="a").cmds == ("a",)
    assert Query(cmd=["b", "a", "b"]).cmds == Query(cmd={"a", "b"}).cmds == ("a", "b")
    assert Query(tags="t").all_tags == ("t",)
    assert (Query().cmds, Query().all_tags) == (None, ())


def test_queries_of_the_same_meaning_are_equal():
    assert Query(cmd=["b", "a"]) == Query(cmd=("a", "b"))
    assert Query(data={"a": 1, "b": 2}) == Query(data={"b": 2.0, "a": 1.0})
    assert hash(Query(data={"a": 1}, tags=["x", "y"])) == hash(Query(data={"a": 1}, tags={"y", "x"}))
    assert Query(data={"a": 1}) != Query(data={"a": True})
    assert Query(data={"a": 1}) != Query(data={"a": "1"})


def test_alternatives_are_plain_queries_each_once():
    a, b, c = Query(cmd="a"), Query(cmd="b"), Query(cmd="c")
    assert a.alternatives == (a,)
    assert (a | b | c).alternatives == (a | (b | c)).alternatives == (a, b, c)
    assert (a | b | a).alternatives == (a, b)
    assert (a | b) == (a | b)
    assert (a | b) != (b | c)


def test_there_are_limits_that_are_stated():
    many = Query(cmd="0")
    for number in range(1, 500):
        many |= Query(cmd=str(number))
    names = [str(number) for number in range(10_001)]
    for ask, words in (
        (lambda: many | Query(cmd="x"), "at most 500 alternatives, not 501"),
        (lambda: Query(cmd=names), "at most 10,000 values of cmd, not 10,001"),
        (lambda: Query(tags=names), "at most 10,000 values of tags"),
        (lambda: Query(cmd=names[:6000]) | Query(tags=names[:6000]), "at most 10,000 commands, tags and values"),
        (lambda: Query(data=dict.fromkeys(names, 1)), "at most 100 paths inside the payload"),
    ):
        with pytest.raises(InvalidQueryError, match=words):
            ask()


def test_only_queries_are_alternatives():
    with pytest.raises(TypeError):
        Query() | "a"


@pytest.mark.parametrize("name", ["cmd", "tags"])
@pytest.mark.parametrize("value", ["", [], (), set(), [""], ["a", None], [["a"]], 5, b"ab", {"a": 1}, "\ud800"])
def test_names_that_are_refused(name, value):
    with pytest.raises(InvalidQueryError, match=f"{name} must be a text or several"):
        Query(**{name: value})


@pytest.mark.parametrize("name", ["user", "correlation_id"])
@pytest.mark.parametrize("value", [5, b"a", ["a"], "\ud800"])
def test_texts_that_are_refused(name, value):
    with pytest.raises(InvalidQueryError, match=f"{name} must be a text"):
        Query(**{name: value})


@pytest.mark.parametrize("name", ["causation_id", "version"])
@pytest.mark.parametrize("value", [0, -1, True, 1.0, "1", MAX_ID + 1, 2**63, 10**5000], ids=shown)
def test_numbers_that_are_refused(name, value):
    with pytest.raises(InvalidQueryError, match=f"{name} must be an int from 1 to"):
        Query(**{name: value})


@pytest.mark.parametrize("name", ["since", "until"])
def test_times_must_say_their_zone(name):
    with pytest.raises(InvalidQueryError, match=f"{name} must say its time zone, but 2026-01-31T12:00:00 has none"):
        Query(**{name: NOON.replace(tzinfo=None)})
    for value in ("2026-01-31", NOON.date(), 5):
        with pytest.raises(InvalidQueryError, match=f"{name} must be a datetime"):
            Query(**{name: value})


def test_times_are_microseconds():
    east = Query(since=NOON.astimezone(dt.timezone(dt.timedelta(hours=9))), until=NOON)
    assert east.since_us == east.until_us == 1_769_860_800_000_000
    assert (Query().since_us, Query().until_us) == (None, None)


def test_the_earliest_and_the_latest_time():
    query = Query(since=dt.datetime.min.replace(tzinfo=dt.UTC), until=dt.datetime.max.replace(tzinfo=dt.UTC))
    assert (query.since_us, query.until_us) == (-62_135_596_800_000_000, 253_402_300_799_999_999)


def test_data_becomes_paths_and_texts():
    query = Query(data={"z.y": "é", "a": None})
    assert query.terms == (DataTerm(("a",), ("null",)), DataTerm(("z", "y"), ('"é"',)))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, {"1", "1.0"}),
        (1.0, {"1", "1.0"}),
        (0, {"0", "0.0", "-0.0"}),
        (-0.0, {"0", "0.0", "-0.0"}),
        (1.5, {"1.5"}),
        (2**53 + 1, {"9007199254740993"}),
        (2**64 - 1, {"18446744073709551615"}),
        (-(2**63), {"-9223372036854775808", "-9.223372036854776e+18"}),
        (1e300, {"1e+300"}),
        (True, {"true"}),
        (False, {"false"}),
        (None, {"null"}),
        ("1", {'"1"'}),
        ('a"\\\0', {'"a\\"\\\\\\u0000"'}),
    ],
)
def test_a_value_is_found_under_every_text_it_may_have(value, expected):
    assert set(texts(value)) == expected


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**64, -(2**63) - 1, 10**5000, [1], {"a": 1}, b"a", (), "\ud800", NOON],
    ids=shown,
)
def test_data_values_that_are_refused(value):
    with pytest.raises(InvalidQueryError, match=r"data\['x'\] must be"):
        Query(data={"x": value})


@pytest.mark.parametrize("data", [{}, [], "a", 5, [("a", 1)]])
def test_data_that_is_refused(data):
    with pytest.raises(InvalidQueryError, match="data must map paths"):
        Query(data=data)


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", 'a"b', "a\\b", "a\0", "a\nb", "\ud800", 5, None, ("a",)])
def test_paths_that_are_refused(path):
    with pytest.raises(InvalidQueryError, match="is not a path inside the payload"):
        Query(data={path: 1, "fine": 1})


@pytest.mark.parametrize("path", ["a", "a.b.c", "'; DROP TABLE event; --", "$", "a[0]", "été", "a b", "0", "%_*"])
def test_paths_are_parts(path):
    assert Query(data={path: 1}).terms[0].path == tuple(path.split("."))


@pytest.mark.parametrize("position", [-1, MAX_ID + 2, 10**5000, 1.0, True, "1", None], ids=shown)
def test_positions_that_are_refused(position):
    with pytest.raises(InvalidQueryError, match="after must be a position"):
        Condition(Query(), after=position)
    with pytest.raises(InvalidQueryError, match="limit must be a position"):
        check_position(position, "limit")


@pytest.mark.parametrize(
    "unindexed", [{"user": "a"}, {"version": 1}, {"since": NOON}, {"until": NOON}, {"data": {"a": 1}}]
)
def test_conditions_use_what_is_indexed(unindexed):
    for query in (Query(**unindexed), Query(cmd="a", **unindexed), Query(cmd="a") | Query(tags="t", **unindexed)):
        with pytest.raises(InvalidQueryError, match=f"a condition cannot ask for {next(iter(unindexed))}"):
            Condition(query)


def test_conditions_over_what_is_indexed():
    query = Query(cmd=["a", "b"], tags="t", correlation_id="c", causation_id=1) | Query()
    assert Condition(query, after=5) == Condition(query, 5)
