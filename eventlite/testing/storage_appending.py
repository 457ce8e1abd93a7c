"""Appending: ids, batches, and that what is stored is what was handed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eventlite.contracts import CommitRequest, Committed, Storage
from eventlite.errors import InvalidEventError
from eventlite.event import MAX_ID, Event, NewEvent, to_microseconds, verify_checksum
from eventlite.query import Condition, Query
from eventlite.testing.storage_base import (
    PLENTY,
    StorageSuite,
    accepted,
    append,
    append_one,
    batch,
    event,
    everything,
    imported,
    offer,
    refused,
)

_YEAR_1 = -62_135_596_800_000_000
_YEAR_9999 = 253_402_300_799_999_999

#: Texts that engines, encodings and string building get wrong.
_TEXTS = (
    "'; DROP TABLE event; --",
    'quo"ted',
    "back\\slash % _ * ?",
    "line\nbreak\ttab\r",
    "Grüße, 東京, 🎉, e\u0301, \u202e, \ufeff, \U0010ffff",
    "x" * 255,
    "🎉" * 255,
    " leading and trailing ",
    "1",
    "null",
)

_VALUES = (
    {"zero": "\0", "quote": "'\"", "emoji": "🎉", "separators": "\u2028\u2029"},
    {"biggest": 2**64 - 1, "smallest": -(2**63), "tiny": 5e-324, "huge": 1.7976931348623157e308},
    {"one": 1, "one point zero": 1.0, "true": True, "minus zero": -0.0, "none": None},
    {"": {"": [[], {}, [[]]]}, "a.b": 1, "$": 2, "'": 3, '"': 4, "z": 1, "a": 2},
    {"long": "ö" * 500_000},
)


class AppendingContract(StorageSuite):
    """Ids, batches, values."""

    def test_an_empty_store_has_head_0(self, storage: Storage) -> None:
        assert storage.head() == 0
        assert everything(storage) == []
        assert (storage.count(Query()), storage.last(Query()), storage.get(1)) == (0, 0, None)

    def test_ids_grow_from_1(self, storage: Storage) -> None:
        ids = [row[0] for _ in range(3) for row in append(storage, event(), event())]
        assert ids[0] == 1
        assert ids == sorted(set(ids))
        assert storage.head() == ids[-1]

    def test_what_commit_returns_is_what_is_read(self, storage: Storage) -> None:
        rows = append(storage, event(data={"n": 1}), event("other", tags=["a", "b"], key="k"))
        assert everything(storage) == rows
        assert [storage.get(row[0]) for row in rows] == rows

    def test_every_field_is_kept(self, storage: Storage) -> None:
        cause = append_one(storage)
        new = NewEvent("placed", {"n": 1}, "alice", "::1", 3, {"m": 2}, ["b", "a"], "k", "c", cause[0])
        (row,) = accepted(storage.commit([batch(new, recorded=1_234_567)])[0])
        assert Event(row).to_dict() == {
            "id": row[0],
            "version": 3,
            "datetime": "1970-01-01T00:00:01.234567Z",
            "user": "alice",
            "ip": "::1",
            "cmd": "placed",
            "data": {"n": 1},
            "correlation_id": "c",
            "causation_id": cause[0],
            "metadata": {"m": 2},
            "tags": ["b", "a"],
            "key": "k",
        }
        assert storage.get(row[0]) == row

    def test_a_batch_keeps_its_order(self, storage: Storage) -> None:
        rows = append(storage, *(event(data={"n": n}) for n in range(100)))
        assert [Event(row).data["n"] for row in everything(storage)] == list(range(100))
        assert [row[0] for row in rows] == sorted(row[0] for row in rows)

    def test_a_batch_is_stored_whole_or_not_at_all(self, storage: Storage) -> None:
        refused(offer(storage, event(), event(cause=99)), InvalidEventError)
        assert (storage.head(), everything(storage)) == (0, [])

    def test_each_request_of_a_commit_is_judged_alone(self, storage: Storage) -> None:
        first, second, third = storage.commit([batch(event("a")), batch(event("b", cause=99)), batch(event("c"))])
        refused(second, InvalidEventError)
        assert everything(storage) == accepted(first) + accepted(third)

    def test_a_large_commit_gives_each_request_its_own_events(self, storage: Storage) -> None:
        """Requests of every kind, in an order in which some stand beside others like them."""
        kinds: tuple[Callable[[int], CommitRequest], ...] = (
            lambda n: batch(event(data={"n": n})),
            lambda n: batch(event(data={"n": n}, tags=["t", f"t{n}"])),
            lambda n: batch(event(data={"n": n}), event(data={"n": n}), event(data={"n": n})),
            lambda n: batch(event(data={"n": n}), condition=Condition(Query(tags=f"t{n}"))),
            lambda n: batch(event(data={"n": n}, cause=10**9)),
            lambda _: batch(),
        )
        outcomes = storage.commit([kinds[(n // 7 + n // 60) % len(kinds)](n) for n in range(240)])
        stored = [row for outcome in outcomes if isinstance(outcome, Committed) for row in outcome.rows]
        assert stored == everything(storage)
        for n, outcome in enumerate(outcomes):
            if isinstance(outcome, Committed):
                assert {Event(row).data["n"] for row in outcome.rows} <= {n}
                assert [*outcome.rows] == [outcome.rows[i] for i in range(len(outcome.rows))]
        assert sum(isinstance(outcome, InvalidEventError) for outcome in outcomes) > 20
        tagged = [row for row in stored if Event(row).tags]
        assert len(tagged) > 20
        assert storage.read(Query(tags="t"), limit=PLENTY) == tagged

    def test_a_refused_batch_leaves_nothing_behind(self, storage: Storage) -> None:
        refused(offer(storage, event(key="k", tags=["t"]), event(cause=99)), InvalidEventError)
        outcome = offer(storage, event("other", key="k", tags=["t"]))
        assert isinstance(outcome, Committed)
        assert outcome.new
        assert storage.read(Query(tags="t"), limit=9) == list(outcome.rows)

    def test_a_commit_of_nothing_changes_nothing(self, storage: Storage) -> None:
        assert storage.commit([]) == []
        assert accepted(storage.commit([batch()])[0]) == []
        assert storage.head() == 0

    def test_a_large_batch_is_stored_whole(self, storage: Storage) -> None:
        size = min(storage.capabilities.max_batch, 2000)
        rows = append(storage, *(event(tags=["t"]) for _ in range(size)))
        assert len(rows) == storage.count(Query(tags="t")) == size

    @pytest.mark.parametrize("text", _TEXTS)
    def test_any_text_is_a_name(self, storage: Storage, text: str) -> None:
        row = append_one(storage, event(text, user=text, ip=text, tags=[text], key=text, correlation_id=text))
        assert storage.get(row[0]) == row
        stored = Event(row)
        assert {stored.cmd, stored.user, stored.ip, stored.key, stored.correlation_id, *stored.tags} == {text}
        for query in (Query(cmd=text), Query(user=text), Query(correlation_id=text), Query(tags=text)):
            assert storage.read(query, limit=9) == [row]

    @pytest.mark.parametrize("value", _VALUES, ids=["texts", "numbers", "kinds", "keys", "a megabyte"])
    def test_any_json_is_a_payload(self, storage: Storage, value: dict[str, object]) -> None:
        append(storage, event(data=value, metadata=value))
        (row,) = everything(storage)
        assert repr(Event(row).data) == repr(Event(row).metadata) == repr(value)

    def test_deep_json_is_a_payload(self, storage: Storage) -> None:
        deep: dict[str, object] = {}
        for _ in range(253):
            deep = {"d": deep}
        assert storage.get(append_one(storage, event(data=deep))[0]) is not None
        assert Event(everything(storage)[0]).data == deep

    @pytest.mark.parametrize("recorded", [_YEAR_1, -1, 0, _YEAR_9999])
    def test_a_time_may_lie_anywhere(self, storage: Storage, recorded: int) -> None:
        accepted(storage.commit([batch(event(), recorded=recorded)])[0])
        assert to_microseconds(Event(everything(storage)[0]).datetime) == recorded

    def test_checksums_are_kept(self, storage: Storage) -> None:
        cause = event(correlation_id="c")
        append(storage, cause, event(cause=cause))
        for row in everything(storage):
            verify_checksum(row)

    def test_given_ids_are_kept(self, storage: Storage) -> None:
        rows = accepted(storage.commit([imported([5, 9], event(), event())])[0])
        assert [row[0] for row in rows] == [5, 9]
        assert everything(storage) == rows
        assert append_one(storage)[0] > 9

    @pytest.mark.parametrize("ids", [[3, 9], [9, 9], [9, 8], [9], [9, 10, 11], [9, MAX_ID + 1], [0, 9], [-1, 9]])
    def test_given_ids_must_grow_beyond_the_head(self, storage: Storage, ids: list[int]) -> None:
        append(storage, event(), event(), event())
        refused(storage.commit([imported(ids, event(), event())])[0], InvalidEventError)
        assert storage.count(Query()) == 3

    def test_ids_end_at_the_largest(self, storage: Storage) -> None:
        accepted(storage.commit([imported([MAX_ID], event("last"))])[0])
        refused(offer(storage, event()), InvalidEventError)
        assert [storage.head(), storage.last(Query(cmd="last"))] == [MAX_ID, MAX_ID]
        assert storage.get(MAX_ID) == everything(storage)[0]

    def test_a_commit_is_accepted_as_far_as_there_are_ids(self, storage: Storage) -> None:
        accepted(storage.commit([imported([MAX_ID - 2], event())])[0])
        *fit, last = storage.commit([batch(event(), event()), batch(event("last"))])
        assert [row[0] for outcome in fit for row in accepted(outcome)] == [MAX_ID - 1, MAX_ID]
        refused(last, InvalidEventError)
        assert storage.head() == MAX_ID
