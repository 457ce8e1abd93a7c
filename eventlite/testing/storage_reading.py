"""Reading: every field of a query, windows, and that all answers agree with one another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlite.contracts import EventReader, Storage
from eventlite.event import MAX_ID, NewEvent, Row, to_microseconds
from eventlite.matching import matcher
from eventlite.query import Query
from eventlite.testing.storage_base import PLENTY, StorageSuite, accepted, append, batch, event, everything

_NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
_MINUTE = dt.timedelta(minutes=1)
_CMDS = ("placed", "paid", "Placed", "été", "'")
_USERS = ("", "alice", "Alice", "bob")
_TAGS = ("order:1", "order:10", "user:1", "é", '"]')
_PATHS = ("n", "deep.er", "deep", "t\u00e9", "$", "'")
_SCALARS = (None, True, False, 0, -0.0, 1, 1.0, 1.5, "1", "", "null", "a\0b", "é", "'", 2**63, 1e300, 2**53 + 1)


class ReadingContract(StorageSuite):
    """Windows over all events."""

    @pytest.fixture
    def rows(self, storage: Storage) -> list[Row]:
        """Ten events of which every second is `even`."""
        return append(storage, *(event("odd" if n % 2 else "even", data={"n": n}) for n in range(10)))

    def test_get_knows_what_is_not_there(self, storage: Storage, rows: list[Row]) -> None:
        assert [storage.get(id) for id in (-1, 0, rows[-1][0] + 1, MAX_ID)] == [None] * 4

    def test_after_and_before_are_exclusive(self, storage: Storage, rows: list[Row]) -> None:
        after, before = rows[2][0], rows[7][0]
        assert storage.read(Query(), after=after, before=before, limit=99) == rows[3:7]
        assert storage.read(Query(), after=after, before=before, limit=99, backwards=True) == rows[3:7][::-1]
        assert storage.count(Query(), after=after, before=before) == 4
        assert storage.count(Query(cmd="even"), after=after, before=before) == 2

    def test_a_window_may_be_empty(self, storage: Storage, rows: list[Row]) -> None:
        first, last = rows[0][0], rows[-1][0]
        for after, before in ((last, None), (first, first + 1), (last, first), (0, 0), (0, first), (MAX_ID, None)):
            assert storage.read(Query(), after=after, before=before, limit=99) == []
            assert storage.count(Query(), after=after, before=before) == 0

    def test_limit_and_offset(self, storage: Storage, rows: list[Row]) -> None:
        assert storage.read(Query(), limit=3) == rows[:3]
        assert storage.read(Query(), limit=3, offset=4) == rows[4:7]
        assert storage.read(Query(cmd="even"), limit=2, offset=1) == rows[2:5:2]
        assert storage.read(Query(), limit=3, offset=9) == rows[9:]
        assert storage.read(Query(), limit=3, offset=10) == []
        assert storage.read(Query(), limit=0) == []

    def test_backwards_starts_from_the_last(self, storage: Storage, rows: list[Row]) -> None:
        assert storage.read(Query(), limit=3, backwards=True) == rows[:6:-1]
        assert storage.read(Query(), limit=3, offset=2, backwards=True) == rows[7:4:-1]
        assert storage.read(Query(cmd="even"), limit=2, before=rows[8][0], backwards=True) == [rows[6], rows[4]]

    def test_pages_put_together_are_everything(self, storage: Storage, rows: list[Row]) -> None:
        read: list[Row] = []
        for _ in range(4):
            read += storage.read(Query(), after=read[-1][0] if read else 0, limit=3)
        assert read == rows

    def test_a_union_has_each_event_once_in_order(self, storage: Storage, rows: list[Row]) -> None:
        either = Query(cmd="odd") | Query(cmd="even") | Query(data={"n": 4}) | Query(cmd=["odd", "even"])
        assert storage.read(either, limit=99) == rows
        assert storage.read(either, limit=3, offset=2, backwards=True) == rows[7:4:-1]
        assert (storage.count(either), storage.last(either)) == (10, rows[-1][0])

    @pytest.mark.parametrize("tags", [32, 33, 64, 65, 1000])
    def test_a_query_may_have_as_many_tags_as_an_event(self, storage: Storage, tags: int) -> None:
        names = [f"t:{number:03}" for number in range(tags)]
        append(storage, event(tags=names), event(tags=names[1:]), event("b", tags=names), event(tags=[names[0]]))
        ids = [row[0] for row in everything(storage)]
        query = Query(tags=names)
        assert [row[0] for row in storage.read(query, limit=9)] == [ids[0], ids[2]]
        assert [row[0] for row in storage.read(query | Query(tags=names[1:]), limit=9, backwards=True)] == ids[2::-1]
        assert (storage.count(query), storage.last(query)) == (2, ids[2])
        assert storage.count(Query(tags=names, cmd=["b", "c"])) == 1
        assert storage.explain(query)

    def test_a_query_may_be_as_large_as_it_is_allowed_to_be(self, storage: Storage) -> None:
        names = [f"c{number}" for number in range(10_000)]
        rows = append(storage, event("c9999", data={"p0": 1, "p99": 1.0}), event("d"))
        paths = {f"p{number}": number for number in range(100)}
        assert storage.read(Query(cmd=names), limit=9) == rows[:1]
        assert storage.read(Query(cmd=names, data={"p99": 1}), limit=9) == rows[:1]
        assert storage.count(Query(cmd=names, data=paths)) == 0
        many = Query(cmd=names[:20])
        for number in range(20, 10_000, 20):
            many |= Query(cmd=names[number : number + 20])
        assert (storage.read(many, limit=9), storage.count(many), storage.last(many)) == (rows[:1], 1, rows[0][0])

    def test_a_union_may_have_many_alternatives(self, storage: Storage, rows: list[Row]) -> None:
        many = Query(user="nobody")
        for n in range(0, 100, 2):
            many |= Query(data={"n": n}, cmd="even")
        assert storage.read(many, limit=99) == rows[::2]
        assert (storage.count(many), storage.last(many)) == (5, rows[8][0])

    def test_a_query_may_have_many_commands(self, storage: Storage, rows: list[Row]) -> None:
        many = Query(cmd=["odd", *(f"cmd {n}" for n in range(1000))])
        assert storage.read(many, limit=99) == rows[1::2]
        assert (storage.count(many), storage.last(many)) == (5, rows[9][0])

    def test_last_looks_beyond_a_position_only(self, storage: Storage, rows: list[Row]) -> None:
        odd = storage.last(Query(cmd="odd"))
        assert storage.last(Query(cmd="odd"), after=odd - 1) == odd
        assert storage.last(Query(cmd="odd"), after=odd) == 0
        assert storage.last(Query(cmd="odd") | Query(cmd="even"), after=odd - 1) == max(odd, rows[-1][0])
        assert storage.last(Query(), after=rows[-1][0]) == 0

    def test_last_is_0_without_a_match(self, storage: Storage, rows: list[Row]) -> None:
        assert storage.last(Query(cmd="odd")) == rows[9][0]
        assert storage.last(Query(cmd="none")) == 0


_FILTERED: Mapping[str, tuple[Query, str]] = {
    "cmd": (Query(cmd="placed"), "ab"),
    "cmds": (Query(cmd=["placed", "paid"]), "abc"),
    "case matters": (Query(cmd="Placed"), ""),
    "user": (Query(user="alice"), "ac"),
    "no user": (Query(user=""), "de"),
    "correlation": (Query(correlation_id="c1"), "acd"),
    "causation": (Query(causation_id=1), "c"),
    "version": (Query(version=2), "d"),
    "since is inclusive": (Query(since=_NOON + 2 * _MINUTE), "cde"),
    "until is exclusive": (Query(until=_NOON + 2 * _MINUTE), "ab"),
    "span": (Query(since=_NOON + _MINUTE, until=_NOON + 3 * _MINUTE), "bc"),
    "span in another zone": (Query(since=(_NOON + _MINUTE).astimezone(dt.timezone(dt.timedelta(hours=9)))), "bcde"),
    "tag": (Query(tags="order:1"), "ab"),
    "all tags": (Query(tags=["user:1", "order:1"]), "b"),
    "no such tag": (Query(tags=["user:1", "order"]), ""),
    "text": (Query(data={"city": "Bern"}), "a"),
    "nested text": (Query(data={"address.city": "Bern"}), "b"),
    "number by value": (Query(data={"n": 1}), "ab"),
    "number by value, as float": (Query(data={"n": 1.0}), "ab"),
    "true is not 1": (Query(data={"n": True}), "c"),
    "text is not a number": (Query(data={"n": "1"}), "d"),
    "null": (Query(data={"n": None}), "e"),
    "missing is not null": (Query(data={"city": None}), ""),
    "an object is no scalar": (Query(data={"address": "{}"}), ""),
    "a list is not looked into": (Query(data={"list": 1}) | Query(data={"list.0": 1}), ""),
    "two terms": (Query(data={"n": 1, "city": "Bern"}), "a"),
    "NUL in a text": (Query(data={"nul": "a\0b"}), "c"),
    "a text cut at NUL": (Query(data={"nul": "a"}), ""),
    "combined": (Query(cmd="placed", user="bob", tags="order:1", data={"n": 1}, version=1, since=_NOON), "b"),
    "either": (Query(cmd="paid") | Query(user="bob"), "bc"),
    "everything": (Query(), "abcde"),
}

_STORED: Mapping[str, dict[str, Any]] = {
    "a": {"cmd": "placed", "user": "alice", "tags": ["order:1"], "data": {"n": 1, "city": "Bern"}},
    "b": {
        "cmd": "placed",
        "user": "bob",
        "correlation_id": "c2",
        "tags": ["order:1", "user:1"],
        "data": {"n": 1.0, "address": {"city": "Bern"}},
    },
    "c": {"cmd": "paid", "user": "alice", "cause": 1, "tags": ["user:1"], "data": {"n": True, "nul": "a\0b"}},
    "d": {"cmd": "shipped", "version": 2, "data": {"n": "1", "list": [1]}},
    "e": {"cmd": "été", "correlation_id": "c3", "data": {"n": None}},
}


class QueriesContract(StorageSuite):
    """Every field of a query, alone and combined."""

    @pytest.mark.parametrize(("query", "names"), _FILTERED.values(), ids=_FILTERED)
    def test_query(self, storage: Storage, query: Query, names: str) -> None:
        requests = [
            batch(NewEvent(**({"correlation_id": "c1"} | fields)), recorded=to_microseconds(_NOON + n * _MINUTE))
            for n, fields in enumerate(_STORED.values())
        ]
        rows = dict(zip(_STORED, [accepted(outcome)[0] for outcome in storage.commit(requests)], strict=True))
        wanted = [rows[name] for name in names]
        assert storage.read(query, limit=9) == wanted
        assert storage.read(query, limit=9, backwards=True) == wanted[::-1]
        assert storage.count(query) == len(wanted)
        assert storage.last(query) == (wanted[-1][0] if wanted else 0)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def test_any_query_over_any_history_equals_the_model(
        self, tmp_path: Path, places: Iterator[int], data: st.DataObject
    ) -> None:
        with closing(self.open_storage(tmp_path / f"example-{next(places)}")) as storage:
            for moment, new in data.draw(_histories()):
                append_at(storage, moment, new)
            rows = everything(storage)
            for query in data.draw(st.lists(_queries(), min_size=5, max_size=12)):
                check_query(storage, rows, query, data.draw(_windows(len(rows))))

    @pytest.fixture
    def places(self) -> Iterator[int]:
        return count()


def append_at(storage: Storage, moment: int, new: NewEvent) -> None:
    """Append one event as of a moment."""
    accepted(storage.commit([batch(new, recorded=moment)])[0])


def check_query(reader: EventReader, rows: list[Row], query: Query, window: dict[str, Any]) -> None:
    """Compare what a reader answers with a plain look at all rows."""
    after, before = window["after"], window["before"]
    found = [row for row in filter(matcher(query), rows) if after < row[0] and (before is None or row[0] < before)]
    ordered = found[::-1] if window["backwards"] else found
    assert reader.read(query, **window) == ordered[window["offset"] :][: window["limit"]]
    assert reader.count(query, after=after, before=before) == len(found)
    assert reader.last(query) == max((row[0] for row in filter(matcher(query), rows)), default=0)


def _moments() -> st.SearchStrategy[dt.datetime]:
    return st.integers(0, 5).map(lambda minutes: _NOON + minutes * _MINUTE)


def _payloads() -> st.SearchStrategy[dict[str, Any]]:
    scalars = st.sampled_from(_SCALARS)
    deep = st.one_of(scalars, st.dictionaries(st.sampled_from(("er", "x")), scalars, max_size=2), st.lists(scalars))
    return st.dictionaries(st.sampled_from(("n", "deep", "té", "$", "'")), deep, max_size=3)


@st.composite
def _histories(draw: st.DrawFn) -> list[tuple[int, NewEvent]]:
    history = []
    for position in range(draw(st.integers(0, 12))):
        cause = draw(st.integers(0, position))
        new = NewEvent(
            cmd=draw(st.sampled_from(_CMDS)),
            data=draw(_payloads()),
            user=draw(st.sampled_from(_USERS)),
            version=draw(st.integers(1, 3)),
            tags=draw(st.lists(st.sampled_from(_TAGS), max_size=3)),
            correlation_id=draw(st.sampled_from(("c1", "c2", "c3"))),
            cause=cause or None,
        )
        history.append((to_microseconds(draw(_moments())), new))
    return history


def _queries() -> st.SearchStrategy[Query]:
    plain = st.builds(
        Query,
        cmd=_maybe(st.sampled_from(_CMDS) | st.lists(st.sampled_from(_CMDS), min_size=1)),
        user=_maybe(st.sampled_from(_USERS)),
        correlation_id=_maybe(st.sampled_from(("c1", "c2", "c3", "none"))),
        causation_id=_maybe(st.integers(1, 4)),
        version=_maybe(st.integers(1, 3)),
        since=_maybe(_moments()),
        until=_maybe(_moments()),
        tags=_maybe(st.lists(st.sampled_from(_TAGS), min_size=1, max_size=3)),
        data=_maybe(st.dictionaries(st.sampled_from(_PATHS), st.sampled_from(_SCALARS), min_size=1, max_size=2)),
    )
    return st.lists(plain, min_size=1, max_size=3).map(_either)


def _maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly None, so that a query of nine fields still finds something."""
    return st.one_of(st.none(), st.none(), st.none(), values)


def _either(queries: list[Query]) -> Query:
    either = queries[0]
    for query in queries[1:]:
        either |= query
    return either


def _windows(size: int) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "after": st.integers(0, size + 1),
            "before": st.none() | st.integers(0, size + 2),
            "limit": st.integers(0, 5) | st.just(PLENTY),
            "offset": st.integers(0, 3),
            "backwards": st.booleans(),
        }
    )
