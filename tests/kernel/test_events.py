"""Events as values: JSON in and out, what is refused, times, checksums."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import pickle
import uuid
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlite.drafting import draft_batch
from eventlite.errors import CorruptionError, InvalidEventError, shown
from eventlite.event import (
    Event,
    NewEvent,
    VerifiedEvent,
    from_microseconds,
    to_iso,
    to_microseconds,
    verify_checksum,
)
from eventlite.jsontext import MAX_BYTES, MAX_DEPTH, canonical, decode_object, encode_object, same_json

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=4)
UTC_TIMES = st.datetimes(timezones=st.just(dt.UTC))


@dataclasses.dataclass
class Address:
    city: str


class Text(str):
    __slots__ = ()


def event(**fields) -> Event:
    return Event((1, *draft_batch([NewEvent(**{"cmd": "a", **fields})], recorded=0).drafts[0]))


def nested(depth: int) -> dict:
    """A dict of that many levels."""
    value: dict = {}
    for _ in range(depth - 1):
        value = {"d": value}
    return value


def exact(value: object) -> object:
    """The value with the kind of everything in it, so that 1, 1.0 and True differ and so do 0.0 and -0.0."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list):
        return [exact(item) for item in value]
    return type(value), repr(value)


@given(OBJECTS, OBJECTS)
def test_json_comes_back_as_it_went_in(data, metadata):
    stored = event(data=data, metadata=metadata)
    assert exact(stored.data) == exact(data)
    assert exact(stored.metadata) == exact(metadata)
    assert list(stored.data) == list(data)
    verify_checksum(stored.row)


@given(OBJECTS)
def test_encoding_what_was_decoded_gives_the_same_text(data):
    text = encode_object(data, "data")
    assert encode_object(decode_object(text), "data") == text


@given(JSON, JSON)
def test_canonical_texts_are_equal_exactly_for_equal_json(one, other):
    assert (canonical(one) == canonical(other)) == (exact(one) == exact(other))


@given(OBJECTS, st.randoms())
def test_the_order_of_keys_does_not_matter_to_same_json(data, random):
    items = list(data.items())
    random.shuffle(items)
    assert same_json(encode_object(data, "data"), encode_object(dict(items), "data"))


def test_same_json_tells_numbers_apart():
    texts = ['{"n":1}', '{"n":1.0}', '{"n":true}', '{"n":"1"}', '{"n":null}', "{}", '{"n":[1]}']
    assert [[same_json(one, other) for other in texts].count(True) for one in texts] == [1] * len(texts)


def test_times_and_uuids_become_text_and_tuples_lists():
    moment = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
    name = uuid.UUID(int=5)
    data = {"at": moment, "naive": moment.replace(tzinfo=None), "on": moment.date(), "id": name, "pair": (1, (2,))}
    assert event(data=data).data == {
        "at": "2026-01-31T12:00:00+00:00",
        "naive": "2026-01-31T12:00:00",
        "on": "2026-01-31",
        "id": str(name),
        "pair": [1, [2]],
    }


@pytest.mark.parametrize("field", ["data", "metadata"])
@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        -float("inf"),
        "\ud800",
        "a\udfffb",
        2**64,
        -(2**63) - 1,
        10**5000,
        b"bytes",
        bytearray(b"bytes"),
        {1, 2},
        frozenset(),
        decimal.Decimal(1),
        1j,
        pytest.param(object(), id="an object"),
        int,
        range(3),
        dt.time(12),
        dt.timedelta(1),
        Address("Bern"),
        Text("text"),
        OrderedDict(a=1),
        {1: "a"},
        {None: "a"},
        {("a",): 1},
        {b"a": 1},
        {Text("a"): 1},
        {"\ud800": 1},
    ],
    ids=shown,
)
def test_what_is_not_json_is_refused(field, value):
    for wrapped in ({"x": value}, {"x": [None, {"y": (value,)}]}):
        with pytest.raises(InvalidEventError, match=field):
            event(**{field: wrapped})


@pytest.mark.parametrize("data", [[], "text", 5, (("a", 1),), OrderedDict(a=1), Address("Bern")], ids=shown)
def test_a_payload_is_a_dict(data):
    with pytest.raises(InvalidEventError, match="data must be a dict, not"):
        event(data=data)


def test_an_error_says_where_a_number_is_not_finite():
    with pytest.raises(InvalidEventError, match=r"data\.a\.b\[1\] is inf, which JSON cannot hold"):
        event(data={"a": {"b": [1, float("inf")]}, "z": None})


def test_null_is_no_number_that_is_not_finite():
    assert event(data={"a": None, "b": "null", "null": 1.5}).data == {"a": None, "b": "null", "null": 1.5}


def test_depth_has_a_limit():
    assert event(data=nested(MAX_DEPTH)).data == nested(MAX_DEPTH)
    for depth in (MAX_DEPTH + 1, 300, 100_000):
        with pytest.raises(InvalidEventError, match=f"nested more than {MAX_DEPTH} levels deep"):
            event(data=nested(depth))


def test_deep_tuples_are_refused_too():
    value: tuple = ()
    for _ in range(MAX_DEPTH + 50):  # not more: where orjson misses the limit, many more would end the process
        value = (value,)
    with pytest.raises(InvalidEventError, match="nested more than"):
        event(data={"deep": value})


def test_a_payload_that_holds_itself_is_refused():
    data: dict = {}
    data["self"] = data
    with pytest.raises(InvalidEventError, match="nested more than"):
        event(data=data)


def test_size_has_a_limit():
    room = MAX_BYTES - len('{"x":""}')
    assert len(event(data={"x": "a" * room}).row[6]) == MAX_BYTES
    with pytest.raises(InvalidEventError, match=r"data has 16,777,217 bytes of JSON, more than the 16,777,216"):
        event(data={"x": "a" * (room + 1)})
    with pytest.raises(InvalidEventError, match="metadata has"):
        event(metadata={"x": "é" * (room // 2 + 1)})


def test_what_a_caller_changes_later_changes_no_event():
    data = {"list": [1]}
    stored = event(data=data)
    data["list"].append(2)
    assert stored.data == {"list": [1]}


def test_an_event_decodes_once():
    stored = event(data={"n": 1}, metadata={"m": 1}, tags=["t"])
    for name in ("data", "metadata"):
        assert getattr(stored, name) is getattr(stored, name)


def test_events_are_equal_when_their_rows_are():
    stored = event(data={"n": 1}, correlation_id="c")
    same = Event(stored.row)
    assert stored == same == VerifiedEvent(stored.row)
    assert len({stored, same}) == 1
    assert stored != event(data={"n": 2}, correlation_id="c")
    assert stored != stored.row


@pytest.mark.parametrize("kind", [Event, VerifiedEvent])
def test_an_event_survives_pickling(kind):
    stored = kind(event(data={"n": 1}).row)
    copy = pickle.loads(pickle.dumps(stored))
    assert (copy, type(copy), copy.data) == (stored, kind, {"n": 1})


def test_an_event_says_what_it_is():
    assert repr(event(cmd="placed")) == "<Event 1 placed 1970-01-01T00:00:00.000000Z>"


@pytest.mark.parametrize("column", range(1, 12))
def test_a_damaged_row_is_found(column):
    row = list(event(data={"n": 1}, tags=["t"], key="k").row)
    row[column] = row[column] + 1 if isinstance(row[column], int) else f"{row[column] or ''} "
    with pytest.raises(CorruptionError, match="event 1 is damaged") as caught:
        verify_checksum(tuple(row))
    assert caught.value.position == 1


def test_a_verified_event_finds_damage_before_it_decodes():
    row = event(data={"n": 1}).row
    damaged = VerifiedEvent((*row[:6], "{no json", *row[7:]))
    with pytest.raises(CorruptionError):
        _ = damaged.data
    assert VerifiedEvent(row).data == {"n": 1}


@given(UTC_TIMES)
def test_microseconds_are_exact(moment):
    assert from_microseconds(to_microseconds(moment)) == moment
    assert dt.datetime.fromisoformat(to_iso(to_microseconds(moment))) == moment


@given(UTC_TIMES, UTC_TIMES)
def test_iso_texts_sort_as_times_do(one, other):
    assert (to_iso(to_microseconds(one)) < to_iso(to_microseconds(other))) == (one < other)


def test_the_first_and_the_last_year():
    assert to_iso(to_microseconds(dt.datetime(1, 1, 1, tzinfo=dt.UTC))) == "0001-01-01T00:00:00.000000Z"
    last = dt.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=dt.UTC)
    assert to_iso(to_microseconds(last)) == "9999-12-31T23:59:59.999999Z"


def test_a_time_in_any_zone_is_kept_in_utc():
    moment = dt.datetime(2026, 1, 31, 12, tzinfo=dt.timezone(dt.timedelta(hours=9)))
    assert to_iso(to_microseconds(moment)) == "2026-01-31T03:00:00.000000Z"
