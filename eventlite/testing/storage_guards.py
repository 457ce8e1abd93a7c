"""What guards an append: keys, conditions and causes."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import Committed, Storage
from eventlite.errors import ConflictError, InvalidEventError, InvalidQueryError
from eventlite.event import Event, NewEvent, verify_checksum
from eventlite.query import Condition, Query
from eventlite.testing.storage_base import (
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

#: Another content for every field that content is made of.
_OTHER: dict[str, dict[str, Any]] = {
    "cmd": {"cmd": "other"},
    "version": {"version": 2},
    "user": {"user": "bob"},
    "ip": {"ip": "::1"},
    "data": {"data": {"n": 2}},
    "a float for an int": {"data": {"n": 1.0}},
    "a bool for an int": {"data": {"n": True}},
    "one more in data": {"data": {"n": 1, "m": None}},
    "metadata": {"metadata": {"m": 1}},
    "tags": {"tags": ["b"]},
    "cause": {"cause": 1},
    "correlation": {"correlation_id": "other"},
}


class KeysContract(StorageSuite):
    """A key makes an append idempotent."""

    def test_a_known_key_returns_the_stored_event(self, storage: Storage) -> None:
        row = append_one(storage, event(data={"n": 1}, key="k"))
        append_one(storage)
        assert offer(storage, event(data={"n": 1}, key="k")) == Committed([row], new=False)
        assert storage.count(Query()) == 2

    def test_the_order_of_json_keys_is_no_content(self, storage: Storage) -> None:
        row = append_one(storage, event(data={"a": 1, "b": {"c": 2, "d": 3}}, metadata={"x": 1, "y": 2}, key="k"))
        again = event(data={"b": {"d": 3, "c": 2}, "a": 1}, metadata={"y": 2, "x": 1}, key="k")
        assert offer(storage, again) == Committed([row], new=False)

    @pytest.mark.parametrize("other", _OTHER.values(), ids=_OTHER)
    def test_a_known_key_with_other_content_conflicts(self, storage: Storage, other: dict[str, Any]) -> None:
        append_one(storage)
        first: dict[str, Any] = {"cmd": "happened", "data": {"n": 1}, "user": "alice", "tags": ["a"], "key": "k"}
        row = append_one(storage, NewEvent(**first))
        assert refused(offer(storage, NewEvent(**(first | other))), ConflictError).position == row[0]
        assert storage.count(Query()) == 2

    def test_a_correlation_counts_only_when_given(self, storage: Storage) -> None:
        row = append_one(storage, event(correlation_id="c", key="k"))
        assert offer(storage, event(key="k")) == Committed([row], new=False)
        assert offer(storage, event(correlation_id="c", key="k")) == Committed([row], new=False)

    def test_a_known_batch_returns_its_stored_events(self, storage: Storage) -> None:
        def events() -> list[NewEvent]:
            cause = event("cause", key="a")
            return [cause, event("effect", cause=cause, key="b")]

        rows = append(storage, *events())
        assert offer(storage, *events()) == Committed(rows, new=False)

    @pytest.mark.parametrize("key", ["new", None])
    def test_a_partly_known_batch_conflicts(self, storage: Storage, key: str | None) -> None:
        row = append_one(storage, event(key="k"))
        assert refused(offer(storage, event("other", key=key), event(key="k")), ConflictError).position == row[0]
        assert storage.count(Query()) == 1

    def test_a_batch_with_one_key_twice_is_refused(self, storage: Storage) -> None:
        refused(offer(storage, event(key="k"), event(key="k")), InvalidEventError)
        refused(offer(storage, event("a", key="k"), event("b", key="k")), InvalidEventError)
        assert storage.head() == 0

    def test_a_key_is_known_to_the_next_request_of_a_commit(self, storage: Storage) -> None:
        first, again, other = storage.commit(
            [batch(event(key="k")), batch(event(key="k")), batch(event("other", key="k"))]
        )
        assert again == Committed(accepted(first), new=False)
        refused(other, ConflictError)

    def test_a_known_key_skips_the_condition(self, storage: Storage) -> None:
        once = Condition(Query(tags="user:1"))
        row = append(storage, event(key="k", tags=["user:1"]), condition=once)[0]
        assert offer(storage, event(key="k", tags=["user:1"]), condition=once) == Committed([row], new=False)

    def test_keys_differ_in_case_and_form(self, storage: Storage) -> None:
        keys = ["k", "K", "k ", "é", "e\u0301"]
        assert len({append_one(storage, event(key=key))[0] for key in keys}) == len(keys)


_GUARDS: dict[str, tuple[Query, dict[str, Any], dict[str, Any]]] = {
    "cmd": (Query(cmd="a"), {"cmd": "a"}, {"cmd": "b"}),
    "one of several cmds": (Query(cmd=["a", "b"]), {"cmd": "b"}, {"cmd": "c"}),
    "tag": (Query(tags="t"), {"tags": ["s", "t"]}, {"tags": ["s"]}),
    "all tags": (Query(tags=["s", "t"]), {"tags": ["t", "u", "s"]}, {"tags": ["s", "u"]}),
    "cmd and tag": (Query(cmd="a", tags="t"), {"cmd": "a", "tags": ["t"]}, {"cmd": "b", "tags": ["t"]}),
    "correlation": (Query(correlation_id="c"), {"correlation_id": "c"}, {"correlation_id": "d"}),
    "causation": (Query(causation_id=1), {"cause": 1}, {}),
    "either": (Query(tags="t") | Query(cmd="a"), {"cmd": "a"}, {"cmd": "b", "tags": ["s"]}),
    "anything": (Query(), {}, {}),
}


class ConditionsContract(StorageSuite):
    """A condition guards an append: no event that matches may stand after its position."""

    @pytest.mark.parametrize(("query", "match", "_"), _GUARDS.values(), ids=_GUARDS)
    def test_a_match_after_the_position_conflicts(
        self, storage: Storage, query: Query, match: dict[str, Any], _: object
    ) -> None:
        start = append_one(storage)[0]
        row = append_one(storage, NewEvent(**{"cmd": "x", **match}))
        error = refused(offer(storage, event(), condition=Condition(query, after=start)), ConflictError)
        assert error.position == row[0] == storage.head()

    @pytest.mark.parametrize(("query", "match", "_"), _GUARDS.values(), ids=_GUARDS)
    def test_a_match_at_the_position_does_not(
        self, storage: Storage, query: Query, match: dict[str, Any], _: object
    ) -> None:
        append_one(storage)
        position = append_one(storage, NewEvent(**{"cmd": "x", **match}))[0]
        assert append(storage, event(), condition=Condition(query, after=position))

    @pytest.mark.parametrize(("query", "_", "miss"), list(_GUARDS.values())[:-1], ids=list(_GUARDS)[:-1])
    def test_other_events_after_the_position_do_not(
        self, storage: Storage, query: Query, _: object, miss: dict[str, Any]
    ) -> None:
        append_one(storage)
        append_one(storage, NewEvent(**{"cmd": "x", **miss}))
        assert append(storage, event(), condition=Condition(query))

    def test_a_batch_may_match_its_own_condition(self, storage: Storage) -> None:
        assert len(append(storage, event("a"), event("a"), condition=Condition(Query(cmd="a")))) == 2

    def test_of_two_requests_in_one_commit_the_first_wins(self, storage: Storage) -> None:
        once = Condition(Query(tags="seat:1"))
        requests = [batch(event(user=user, tags=["seat:1"]), condition=once) for user in ("alice", "bob")]
        first, second = storage.commit(requests)
        assert everything(storage) == accepted(first)
        assert refused(second, ConflictError).position == accepted(first)[0][0]

    def test_a_position_beyond_the_head_is_refused(self, storage: Storage) -> None:
        head = append_one(storage)[0]
        refused(offer(storage, event(), condition=Condition(Query(cmd="a"), after=head + 1)), InvalidQueryError)
        assert storage.head() == head


class CausesContract(StorageSuite):
    """A cause must exist, and an event inherits its correlation."""

    def test_a_missing_cause_is_refused(self, storage: Storage) -> None:
        head = append_one(storage)[0]
        refused(offer(storage, event(cause=head + 1)), InvalidEventError)
        refused(offer(storage, event(cause=head + 99)), InvalidEventError)
        assert storage.head() == head

    def test_a_cause_by_id_passes_its_correlation_on(self, storage: Storage) -> None:
        cause = append_one(storage, event(correlation_id="c"))
        effect = append_one(storage, event(cause=cause[0]))
        assert (effect[8], effect[7]) == (cause[0], "c")
        verify_checksum(effect)

    def test_a_cause_by_event_passes_its_correlation_on(self, storage: Storage) -> None:
        cause = append_one(storage, event(correlation_id="c"))
        effect = append_one(storage, event(cause=Event(cause)))
        assert (effect[8], effect[7]) == (cause[0], "c")

    def test_a_given_correlation_stays(self, storage: Storage) -> None:
        cause = event(correlation_id="c")
        rows = append(storage, cause, event(cause=cause, correlation_id="own"))
        assert append_one(storage, event(cause=rows[0][0], correlation_id="own"))[7] == rows[1][7] == "own"

    def test_a_batch_links_its_own_events(self, storage: Storage) -> None:
        root = append_one(storage, event(correlation_id="c"))
        first = event("first", cause=root[0])
        second = event("second", cause=first)
        rows = append(storage, first, event("beside"), second, event("third", cause=second))
        ids = [row[0] for row in rows]
        assert [row[8] for row in rows] == [root[0], None, ids[0], ids[2]]
        assert [row[7] == "c" for row in rows] == [True, False, True, True]
        for row in rows:
            verify_checksum(row)
        assert everything(storage) == [root, *rows]

    def test_a_cause_may_come_in_the_same_commit(self, storage: Storage) -> None:
        first, second = storage.commit([batch(event(correlation_id="c")), batch(event(cause=1))])
        assert accepted(second)[0][7:9] == (accepted(first)[0][7], 1)

    def test_a_cause_refused_in_the_same_commit_is_missing(self, storage: Storage) -> None:
        _, second = storage.commit([batch(event(cause=7)), batch(event(cause=1))])
        refused(second, InvalidEventError)

    def test_an_import_keeps_a_cause_that_is_not_there(self, storage: Storage) -> None:
        request = imported([5, 6], event(cause=3), event(cause=5), keep_dangling=True)
        first, second = accepted(storage.commit([request])[0])
        assert (first[8], second[8]) == (3, 5)
        assert first[7] == second[7] != ""
        assert everything(storage) == [first, second]

    def test_an_import_may_refuse_a_cause_that_is_not_there(self, storage: Storage) -> None:
        refused(storage.commit([imported([5], event(cause=3))])[0], InvalidEventError)
        assert storage.head() == 0
