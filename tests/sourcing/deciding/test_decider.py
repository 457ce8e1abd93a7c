"""Deciders: what is decided is stored only if nothing came in between."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from eventlite import ConflictError, Decider, Event, InvalidEventError, InvalidQueryError, Kernel, NewEvent, Query
from eventlite.sourcing import decider as module

SEATS = 3


@dataclass(frozen=True)
class Enrol:
    course: str
    student: str


class FullError(Exception):
    """There is no seat left."""


def enrol(command: Enrol, taken: int) -> NewEvent:
    if taken >= SEATS:
        raise FullError(command.course)
    return NewEvent("enrolled", {"student": command.student}, tags=[f"course:{command.course}"])


def seats(taken: int, event: Event) -> int:
    return taken + 1 if event.cmd == "enrolled" else taken


def course(command: Enrol) -> Query:
    return Query(tags=[f"course:{command.course}"])


ENROLMENT = Decider(enrol, seats, 0, course)


def raw(kernel: Any) -> Kernel:
    return getattr(kernel, "kernel", kernel)


def test_it_decides_by_what_has_happened(kernel: Any) -> None:
    kernel.append("enrolled", tags=["course:b"])
    stored = [kernel.decide(ENROLMENT, Enrol("a", f"s{n}")) for n in range(SEATS)]
    assert [event.id for (event,) in stored] == [2, 3, 4]
    assert stored == [[kernel.get(id)] for id in (2, 3, 4)]
    with pytest.raises(FullError):
        kernel.decide(ENROLMENT, Enrol("a", "late"))
    assert kernel.head() == 4
    assert kernel.fold(course(Enrol("a", "")), seats, 0) == (SEATS, 4)
    assert kernel.fold(course(Enrol("a", "")), seats, 0, at=2) == (1, 2)


def test_what_comes_in_between_makes_it_decide_again(kernel: Any) -> None:
    states: list[int] = []

    def interrupted(command: Enrol, taken: int) -> NewEvent:
        states.append(taken)
        if len(states) < 3:
            raw(kernel).append("enrolled", tags=[f"course:{command.course}"])
        return enrol(command, taken)

    (stored,) = kernel.decide(Decider(interrupted, seats, 0, course), Enrol("a", "s"))
    assert (states, stored.id) == ([0, 1, 2], 3)


def test_what_is_about_something_else_does_not_disturb_it(kernel: Any) -> None:
    def interrupted(command: Enrol, taken: int) -> NewEvent:
        raw(kernel).append("enrolled", tags=["course:other"])
        return enrol(command, taken)

    assert kernel.decide(Decider(interrupted, seats, 0, course), Enrol("a", "s"), retries=0)[0].id == 2


def test_it_gives_up_after_so_many_conflicts(kernel: Any) -> None:
    states: list[int] = []

    def never(command: Enrol, taken: int) -> NewEvent:
        states.append(taken)
        raw(kernel).append("seen", tags=[f"course:{command.course}"])
        return enrol(command, taken)

    with pytest.raises(ConflictError):
        kernel.decide(Decider(never, seats, 0, course), Enrol("a", "s"), retries=2)
    assert states == [0, 0, 0] and kernel.count(Query(cmd="enrolled")) == 0


def test_a_conflict_that_reading_again_would_not_mend_is_raised_at_once(kernel: Any) -> None:
    calls: list[int] = []
    kernel.append("enrolled", {"student": "other"}, key="k")

    def keyed(command: Enrol, taken: int) -> NewEvent:
        calls.append(taken)
        return NewEvent("enrolled", {"student": command.student}, key="k")

    with pytest.raises(ConflictError, match="other content"):
        kernel.decide(Decider(keyed, seats, 0, course), Enrol("a", "s"))
    assert len(calls) == 1


def test_a_command_with_a_known_key_is_not_decided_again(kernel: Any) -> None:
    calls: list[str] = []

    def both(command: Enrol, taken: int) -> list[NewEvent]:
        calls.append(command.student)
        first = enrol(command, taken)
        return [first, NewEvent("confirmed", {"taken": taken}, cause=first)]

    decider = Decider(both, seats, 0, course)
    stored = kernel.decide(decider, Enrol("a", "s"), key="command-1")
    assert kernel.decide(decider, Enrol("a", "s"), key="command-1") == stored
    assert [event.key for event in stored] == ["command-1", "command-1/2"]
    assert stored[1].causation_id == stored[0].id and len(calls) == 1
    for n in range(SEATS - 1):
        kernel.decide(decider, Enrol("a", f"s{n}"))
    assert kernel.decide(decider, Enrol("a", "s"), key="command-1") == stored  # although it is full now


def test_a_key_of_a_constant_event_does_not_stick_to_it(kernel: Any) -> None:
    constant = NewEvent("ticked", tags=["clock"])
    decider = Decider(lambda command, state: constant, lambda state, event: state, None, Query(tags=["clock"]))
    keys = [kernel.decide(decider, "tick", key=key)[0].key for key in ("a", "b", "a")]
    assert keys == ["a", "b", "a"] and kernel.head() == 2 and constant.key is None


@pytest.mark.parametrize("nothing", [None, [], iter(())])
def test_deciding_nothing_stores_nothing(kernel: Any, nothing: Any) -> None:
    decider = Decider(lambda command, state: nothing, seats, 0, Query(tags=["t"]))
    assert kernel.decide(decider, None) == [] and kernel.head() == 0


def test_an_initial_value_is_nobodys_but_the_folds(kernel: Any) -> None:
    def collect(state: list[int], event: Event) -> list[int]:
        state.append(event.id)
        return state

    initial: list[int] = []
    kernel.append_many([NewEvent("a", tags=["t"]), NewEvent("a", tags=["t"])])
    for made in (initial, list, initial):
        assert kernel.fold(Query(tags=["t"]), collect, made).state == [1, 2]
    assert initial == []


def test_upcasters_run_before_the_fold(kernel: Any) -> None:
    kernel.append("paid", {"euros": 2}, tags=["t"])
    kernel.upcast("paid", 1, lambda data: {"cents": data["euros"] * 100})
    assert kernel.fold(Query(tags=["t"]), lambda total, event: total + event.data["cents"], 0).state == 200


def test_the_query_may_be_given_and_must_be_one_for_conditions(kernel: Any) -> None:
    decider = Decider(enrol, seats, 0)
    with pytest.raises(InvalidQueryError, match="a decider needs a Query"):
        kernel.decide(decider, Enrol("a", "s"))
    with pytest.raises(InvalidQueryError, match="cannot ask for user"):
        kernel.decide(decider, Enrol("a", "s"), Query(user="ada"))
    with pytest.raises(InvalidEventError, match="must return NewEvents"):
        kernel.decide(Decider(lambda command, state: 5, seats, 0), None, Query(tags=["t"]))  # type: ignore
    assert kernel.decide(decider, Enrol("a", "s"), Query(tags=["course:a"]) | Query(cmd="closed"))[0].id == 1


@pytest.mark.parametrize("wrong", [{"key": ""}, {"key": 5}, {"key": object()}, {"retries": -1}, {"retries": "3"}])
def test_what_cannot_be_a_key_or_a_number_is_refused(kernel: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises((InvalidEventError, InvalidQueryError), match=next(iter(wrong))):
        kernel.decide(ENROLMENT, Enrol("a", "s"), **wrong)
    with pytest.raises(InvalidQueryError, match="a decider needs a Query"):
        kernel.decide(ENROLMENT, Enrol("a", "s"), "course:a")
    assert kernel.head() == 0


def test_what_is_no_decider_is_refused(kernel: Any) -> None:
    with pytest.raises(InvalidQueryError, match="Decider"):
        kernel.decide(lambda command, state: None, "open")


def test_what_is_no_plain_function_does_not_fold(kernel: Any) -> None:
    async def evolve(state: int, event: Event) -> int:
        return state

    kernel.append("opened")
    for wrong in (evolve, None):
        with pytest.raises(InvalidQueryError, match="plain function"):
            kernel.fold(Query(cmd="opened"), wrong, 0)


def test_threads_never_pass_the_limit(kernel: Any) -> None:
    store, everyone = raw(kernel), threading.Barrier(8)

    def try_to(number: int) -> bool:
        everyone.wait(30)
        try:
            return bool(store.decide(ENROLMENT, Enrol("a", str(number))))
        except FullError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(try_to, range(8))) == SEATS == store.head()


def test_pauses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(module.time, "sleep", pauses.append)
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:

        def never(command: Enrol, taken: int) -> NewEvent:
            kernel.append("seen", tags=["course:a"])
            return enrol(command, taken)

        with pytest.raises(ConflictError):
            kernel.decide(Decider(never, seats, 0, course), Enrol("a", "s"), retries=200)
    assert len(pauses) == 200 and max(pauses) <= 0.05
