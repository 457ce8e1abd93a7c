"""`append_when`: an event that is appended once others have happened."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite import EventLiteError, Happened, InvalidEventError, InvalidQueryError, NewEvent, Query

# --- what has to happen


def test_all_of_waits_for_each(shop: Any) -> None:
    wait = shop.kernel.append_when("ship", {"order": 1}, all_of=["paid", Query(cmd="packed")])
    shop.happen("paid", "paid", "other")
    assert (shop.state(wait), shop.events("ship")) == ("pending", [])
    (packed,) = shop.happen("packed")
    (ship,) = shop.events("ship")
    assert (ship.data, ship.causation_id, ship.correlation_id) == ({"order": 1}, packed.id, packed.correlation_id)
    done = shop.kernel.waits.get(wait.id)
    assert (done.state, done.event_id, done.last_id) == ("executed", ship.id, packed.id)
    shop.happen("paid", "packed")
    assert len(shop.events("ship")) == 1


def test_any_of_waits_for_the_first(shop: Any) -> None:
    shop.kernel.append_when("refund", any_of=["asked", "broken"])
    first, _ = shop.happen("broken", "asked")
    assert [event.causation_id for event in shop.events("refund")] == [first.id]


def test_count_waits_for_a_number(shop: Any) -> None:
    shop.kernel.append_when("accept", count=(Happened("voted", where={"for": True}), 3))
    for vote in (True, False, True):
        shop.happen("voted", data={"for": vote})
    assert shop.events("accept") == []
    (third,) = shop.happen("voted", data={"for": True})
    assert [event.causation_id for event in shop.events("accept")] == [third.id]


def test_sequence_waits_for_one_after_the_other(shop: Any) -> None:
    shop.kernel.append_when("deploy", sequence=["built", "tested", "tested"])
    shop.happen("tested", "tested", "built", "other", "tested", "built")
    assert shop.events("deploy") == []
    (last,) = shop.happen("tested")
    assert [event.causation_id for event in shop.events("deploy")] == [last.id]


def test_several_kinds_must_all_hold(shop: Any) -> None:
    shop.kernel.append_when("buy", all_of=["manager"], any_of=["director", "admin"], count=("quote", 2))
    shop.happen("director", "quote", "manager")
    assert shop.events("buy") == []
    (quote,) = shop.happen("quote")
    assert [event.causation_id for event in shop.events("buy")] == [quote.id]


def test_one_event_may_be_several_elements_of_all_of(shop: Any) -> None:
    shop.kernel.append_when("note", all_of=["paid", Query(user="bank")])
    shop.happen("paid", user="bank")
    assert len(shop.events("note")) == 1


def test_what_a_wait_appends_may_complete_another(shop: Any) -> None:
    shop.kernel.append_when("c", all_of=["b"])
    shop.kernel.append_when("b", all_of=["a"])
    shop.happen("a")
    (a, b, c) = shop.kernel.read()
    assert (b.cmd, b.causation_id, c.cmd, c.causation_id) == ("b", a.id, "c", b.id)
    assert a.correlation_id == b.correlation_id == c.correlation_id


def test_waits_that_one_event_completes_append_in_the_order_they_were_registered(shop: Any) -> None:
    for number in range(3):
        shop.kernel.append_when("next", {"n": number}, all_of=["a"])
    shop.happen("a")
    assert [event.data["n"] for event in shop.events("next")] == [0, 1, 2]


# --- which events count


def test_only_events_of_the_correlation_and_tags_count(shop: Any) -> None:
    shop.kernel.append_when("one", all_of=["paid"], correlation_id="c1")
    shop.kernel.append_when("two", all_of=["paid"], tags=["order:2", "b"])
    shop.kernel.append_when("three", all_of=["paid"], tags=["order:3"], correlation_id="c3")
    shop.happen("paid", tags=["order:2"], correlation_id="c3")
    shop.happen("paid", tags=["order:3"])
    assert [len(shop.events(cmd)) for cmd in ("one", "two", "three")] == [0, 0, 0]
    shop.happen("paid", correlation_id="c1")
    shop.happen("paid", tags=["a", "b", "order:2"])
    shop.happen("paid", tags=["order:3"], correlation_id="c3")
    (one,), (two,), (three,) = map(shop.events, ("one", "two", "three"))
    assert (one.correlation_id, two.tags, three.tags, three.correlation_id) == (
        "c1", ("order:2", "b"), ("order:3",), "c3",
    )  # fmt: skip


def test_the_correlation_of_its_cause_is_that_of_the_event(shop: Any) -> None:
    (placed,) = shop.happen("placed")
    shop.kernel.append_when("ship", all_of=["paid"], cause=placed)
    shop.kernel.append_when("bill", all_of=["paid"], cause=placed.id)
    shop.happen("paid")
    assert shop.events("ship") == []
    shop.happen("paid", correlation_id=placed.correlation_id)
    assert [event.causation_id for event in shop.events("ship") + shop.events("bill")] == [placed.id, placed.id]


def test_a_query_may_name_another_correlation_and_other_tags(shop: Any) -> None:
    other = Query(cmd="paid", correlation_id="c2") | Query(cmd="waived", tags=["t2"])
    shop.kernel.append_when("ship", all_of=[other, "packed"], correlation_id="c1", tags=["t1"])
    shop.happen("paid", correlation_id="c2", tags=["t1"])
    shop.happen("packed", correlation_id="c1", tags=["t1"])
    shop.kernel.append_when("send", any_of=[other], correlation_id="c1", tags=["t1"])
    shop.happen("waived", correlation_id="c1", tags=["t2"])
    assert (len(shop.events("ship")), len(shop.events("send"))) == (1, 1)


@pytest.mark.parametrize(
    ("where", "passing", "failing"),
    [
        ({"n": 5}, [5, 5.0], [4, "5", True, None]),
        ({"n": {"eq": None}}, [None], [0, False, ""]),
        ({"n": True}, [True], [1, False, "true"]),
        ({"n": {"ne": 5}}, [4, "5", None, True], [5, 5.0]),
        ({"n": {"gt": 5}}, [5.1, 6], [5, "6", True, None]),
        ({"n": {"gte": 5, "lt": 10}}, [5, 9.9], [10, 4, "7"]),
        ({"n": {"lte": "m"}}, ["m", "A"], ["n", 1, None]),
    ],
)
def test_fields_of_the_payload_are_compared(shop: Any, where: Any, passing: list[Any], failing: list[Any]) -> None:
    shop.kernel.append_when("yes", count=(Happened("x", where=where), len(passing)))
    shop.kernel.append_when("no", any_of=[Happened("y", where=where)])
    shop.kernel.append_many([NewEvent("y", {"n": value}) for value in failing])
    shop.kernel.append_many([NewEvent("x", {"n": value}) for value in passing])
    shop.kernel.run_until_idle()
    assert (len(shop.events("yes")), len(shop.events("no"))) == (1, 0)


def test_paths_lead_into_the_payload_and_what_is_missing_passes_ne_alone(shop: Any) -> None:
    shop.kernel.append_when("deep", all_of=[Happened("x", where={"to.city": "Delft", "to.zip": {"ne": 1}})])
    shop.kernel.append_when("none", any_of=[Happened("x", where={"to.city.name": {"lt": "z"}})])
    shop.happen("x", data={"to": "Delft"})
    assert shop.events("deep") == []
    shop.happen("x", data={"to": {"city": "Delft"}})
    assert (len(shop.events("deep")), len(shop.events("none"))) == (1, 0)


def test_events_count_from_now_on_unless_said_otherwise(shop: Any) -> None:
    first, second = shop.happen("paid", "packed")
    kinds: list[dict[str, Any]] = [{}, {"after": 0}, {"after": first.id}]
    now, ever, later = [shop.kernel.append_when("ship", all_of=["paid", "packed"], **after) for after in kinds]
    assert [wait.state for wait in (now, ever, later)] == ["pending", "ready", "pending"]
    assert shop.events("ship") == []
    shop.kernel.run_until_idle()
    assert [event.causation_id for event in shop.events("ship")] == [second.id]
    (paid,) = shop.happen("paid")
    assert [event.causation_id for event in shop.events("ship")] == [second.id, paid.id]
    assert shop.state(now) == "pending"


def test_events_that_others_appended_before_the_first_run_count(shop: Any) -> None:
    shop.happen(*["a"] * 1_500)
    wait = shop.kernel.append_when("done", count=("a", 2_500))
    shop.kernel.append_many([NewEvent("a")] * 2_499)
    shop.kernel.run_until_idle()
    assert shop.kernel.waits.get(wait.id).progress == [[2_499]]
    shop.happen("a")
    assert shop.state(wait) == "executed"


# --- the event that is appended


def test_all_fields_of_the_event_pass_through(shop: Any) -> None:
    fields: dict[str, Any] = {
        "user": "ann", "ip": "10.0.0.1", "version": 3, "metadata": {"m": [1, None]}, "key": "k", "tags": ["b", "a"],
    }  # fmt: skip
    shop.kernel.append_when("ship", {"n": 1.0, "é": None}, all_of=[Query(cmd="a", tags="b")], **fields)
    shop.happen("a", tags=["b"])
    (ship,) = shop.events("ship")
    assert {name: getattr(ship, name) for name in fields} == {**fields, "tags": ("b", "a")}
    assert ship.row[6] == '{"n":1.0,"é":null}'


def test_a_known_key_with_equal_content_is_the_event(shop: Any) -> None:
    (known,) = shop.happen("ship", data={"n": 1}, key="k")
    wait = shop.kernel.append_when("ship", {"n": 1}, all_of=["a"], key="k", cause=known)
    shop.happen("a", correlation_id=known.correlation_id)
    assert shop.kernel.waits.get(wait.id).error.startswith("ConflictError: ")  # for its cause is another
    assert len(shop.events("ship")) == 1


def test_a_refused_append_is_seen_and_holds_no_other_up(shop: Any) -> None:
    shop.happen("ship", data={"n": 1}, key="k")
    refused = shop.kernel.append_when("ship", {"n": 2}, all_of=["a"], key="k")
    other = shop.kernel.append_when("other", all_of=["a"])
    shop.happen("a")
    found = shop.kernel.waits.get(refused.id)
    assert (found.state, found.event_id, shop.state(other)) == ("ready", None, "executed")
    assert found.error.startswith("ConflictError: ")
    assert shop.kernel.run_until_idle() == 0
    assert shop.kernel.waits.retry(refused.id)
    assert shop.kernel.waits.get(refused.id).error is None
    shop.kernel.run_until_idle()
    assert shop.kernel.waits.get(refused.id).error is not None
    assert shop.kernel.waits.cancel(refused.id)
    assert [shop.kernel.waits.retry(wait.id) for wait in (refused, other)] == [False, False]


def test_a_handler_that_refuses_one_holds_no_other_up(shop: Any) -> None:
    def refuse(transaction: Any, rows: Any) -> None:
        if any(row[5] == "bad" for row in rows):
            raise ValueError("it is bad")

    shop.sync.inside_appends(refuse)
    waits = [shop.kernel.append_when(cmd, all_of=["a"]) for cmd in ("good", "bad", "good")]
    late = shop.kernel.append_when("x", all_of=["b"], timeout=1, otherwise=NewEvent("bad"))
    shop.happen("a")
    assert list(map(shop.state, waits)) == ["executed", "ready", "executed"]
    assert "it is bad" in shop.kernel.waits.get(waits[1].id).error
    shop.clock.advance(1)
    shop.kernel.run_until_idle()
    found = shop.kernel.waits.get(late.id)
    assert (found.state, found.event_id, len(shop.events("good"))) == ("expired", None, 2)
    assert "it is bad" in found.error


# --- time


def test_a_deadline_that_passes_ends_the_wait(shop: Any) -> None:
    wait = shop.kernel.append_when("ship", all_of=["paid"], timeout=60)
    shop.clock.advance(59.999999)
    shop.kernel.run_until_idle()
    assert shop.state(wait) == "pending"
    shop.clock.advance(0.000001)
    assert shop.kernel.run_until_idle() == 1
    assert shop.state(wait) == "expired"
    shop.happen("paid")
    assert (shop.events("ship"), shop.state(wait)) == ([], "expired")


def test_an_event_recorded_before_the_deadline_counts_however_late_it_is_looked_at(shop: Any) -> None:
    on_time = shop.kernel.append_when("ship", all_of=["paid"], timeout=60)
    shop.clock.advance(59.999999)
    shop.kernel.append("paid")
    shop.clock.advance(3600)
    shop.kernel.run_until_idle()
    assert shop.state(on_time) == "executed"


def test_an_event_recorded_at_the_deadline_is_too_late(shop: Any) -> None:
    late = shop.kernel.append_when("ship", all_of=["paid"], timeout=60)
    shop.clock.advance(60)
    shop.happen("paid")
    assert (shop.state(late), shop.events("ship")) == ("expired", [])


def test_something_else_is_appended_at_the_deadline(shop: Any) -> None:
    reminder = NewEvent("remind", {"n": 1}, tags=["r"], user="clock")
    shop.kernel.append_when("ship", all_of=["paid", "packed"], timeout=60, correlation_id="c", otherwise=reminder)
    wait = shop.kernel.append_when("ship", all_of=["other"], timeout=60, otherwise=NewEvent("alone"))
    (paid,) = shop.happen("paid", correlation_id="c")
    shop.clock.advance(61)
    shop.kernel.run_until_idle()
    (remind,), (alone,) = shop.events("remind"), shop.events("alone")
    assert (remind.causation_id, remind.correlation_id, remind.tags, remind.user) == (paid.id, "c", ("r",), "clock")
    assert (alone.causation_id, shop.kernel.waits.get(wait.id).event_id) == (None, alone.id)
    assert shop.kernel.run_until_idle() == 0
    assert shop.events("ship") == []


def test_progress_made_in_the_run_that_ends_it_is_kept(shop: Any) -> None:
    wait = shop.kernel.append_when("ship", all_of=["paid", "packed"], timeout=60, otherwise=NewEvent("late"))
    paid = shop.kernel.append("paid")
    shop.clock.advance(60)
    shop.kernel.run_until_idle()
    found = shop.kernel.waits.get(wait.id)
    assert (found.state, found.progress, found.last_id) == ("expired", [[paid.id, 0]], paid.id)
    assert [event.causation_id for event in shop.events("late")] == [paid.id]


def test_a_wait_may_be_for_ever(shop: Any) -> None:
    wait = shop.kernel.append_when("ship", all_of=["paid"])
    shop.clock.advance(10**9)
    shop.happen("paid")
    assert (wait.deadline, shop.state(wait)) == (None, "executed")


# --- what became of them


def test_waits_are_found_by_number_state_and_correlation(shop: Any) -> None:
    first = shop.kernel.append_when("x", all_of=["a"], correlation_id="c1")
    second = shop.kernel.append_when("y", all_of=["b"], correlation_id="c2", timeout=5)
    third = shop.kernel.append_when("z", all_of=["never"])
    waits = shop.kernel.waits
    assert [wait.id for wait in waits.list()] == [first.id, second.id, third.id]
    assert [wait.id for wait in waits.list(correlation_id="c2")] == [second.id]
    assert [wait.id for wait in waits.list(after=first.id, limit=1)] == [second.id]
    assert (waits.get(second.id).to_dict(), waits.get(99)) == (second.to_dict(), None)
    shop.happen("a", correlation_id="c1")
    assert waits.cancel(second.id)
    assert [waits.cancel(id) for id in (first.id, second.id, 99)] == [False, False, False]
    assert [wait.id for wait in waits.list()] == [third.id]
    assert [wait.id for wait in waits.list(state="executed")] == [first.id]
    assert [wait.id for wait in waits.list(state="cancelled")] == [second.id]
    shop.happen("b", correlation_id="c2")
    assert (shop.events("y"), shop.state(second)) == ([], "cancelled")


def test_closed_waits_are_forgotten_by_their_age(shop: Any) -> None:
    done = shop.kernel.append_when("b", all_of=["a"])
    shop.happen("a")
    shop.clock.advance(seconds=60)
    expired = shop.kernel.append_when("b", all_of=["x"], timeout=1)
    cancelled = shop.kernel.append_when("b", all_of=["x"])
    open_one = shop.kernel.append_when("b", all_of=["x"])
    shop.clock.advance(seconds=60)
    shop.kernel.run_until_idle()
    shop.kernel.waits.cancel(cancelled.id)
    shop.clock.advance(seconds=10)
    assert shop.kernel.waits.prune(older_than=120) == 1
    assert shop.kernel.waits.get(done.id) is None
    assert shop.kernel.waits.prune(older_than=11) == 0
    assert shop.kernel.waits.prune(older_than=10.0) == 2
    assert shop.kernel.waits.get(expired.id) is shop.kernel.waits.get(cancelled.id) is None
    assert [wait.id for wait in shop.kernel.waits.list()] == [open_one.id]
    assert shop.kernel.append_when("b", all_of=["x"]).id == open_one.id + 1
    assert [event.cmd for event in shop.kernel.read()] == ["a", "b"]  # events stay
    for wrong in (-1, "day", None, float("nan")):
        with pytest.raises(InvalidQueryError, match="older_than must be seconds"):
            shop.kernel.waits.prune(older_than=wrong)


def test_numbers_are_not_given_twice(shop: Any) -> None:
    first = shop.kernel.append_when("x", all_of=["a"])
    shop.kernel.waits.cancel(first.id)
    assert shop.kernel.append_when("x", all_of=["a"]).id == first.id + 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "nothing to wait for"),
        ({"all_of": []}, "all_of must be a list"),
        ({"any_of": "paid"}, "any_of must be a list"),
        ({"all_of": ["a", "a"]}, "count="),
        ({"sequence": [3]}, "expected a command or a Query, not 3"),
        ({"count": ("a", 0)}, "from 1 on"),
        ({"count": "a"}, "count must be a query and a number"),
        ({"all_of": ["a"], "timeout": 0}, "more than 0"),
        ({"all_of": ["a"], "timeout": float("nan")}, "more than 0"),
        ({"all_of": ["a"], "timeout": "1"}, "timeout must be seconds"),
        ({"all_of": ["a"], "after": 9}, "beyond the head"),
        ({"all_of": ["a"], "after": -1}, "after must be a position"),
        ({"all_of": ["a"], "cause": 9}, "its cause must be an event"),
        ({"all_of": ["a"], "otherwise": "x"}, "otherwise must be a NewEvent"),
        ({"all_of": ["a"], "otherwise": NewEvent("")}, "cmd"),
        ({"all_of": ["a"], "tags": "t"}, "tags must be several texts"),
        ({"all_of": ["a"], "data": {"n": {1}}}, "not JSON"),
    ],
)
def test_bad_arguments_are_refused_with_words(shop: Any, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises((InvalidQueryError, InvalidEventError), match=words):
        shop.kernel.append_when("x", **arguments)
    assert shop.kernel.waits.list() == []


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"a": {"$gte": 1}}, "Did you mean 'gte'"),
        ({"a": {}}, "compares with nothing"),
        ({"a": {"gt": None}}, "cannot compare gt with None"),
        ({"a": {"eq": [1]}}, r"cannot compare eq with \[1\]"),
        ({"a": float("nan")}, "nan"),
        ({"": 1}, "not a path"),
        ("a", "where must map"),
    ],
)
def test_bad_comparisons_are_refused_with_words(where: Any, words: str) -> None:
    with pytest.raises(InvalidQueryError, match=words):
        Happened("x", where=where)


def test_wrong_questions_are_refused_with_words(shop: Any) -> None:
    for ask in (lambda: shop.kernel.waits.get("1"), lambda: shop.kernel.waits.list(state="done")):
        with pytest.raises(EventLiteError):
            ask()
