"""Random histories and conditions: the waits come to what a plain look at the whole history comes to."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlite import Event, Happened, NewEvent, Query
from eventlite.sourcing.waits import following, index
from eventlite.sourcing.waits.following import WaitFollower
from eventlite.sourcing.waits.registry import Waits
from eventlite.testing.host import StorageHost, open_storage


@pytest.fixture(scope="module", autouse=True)
def _small_steps() -> Iterator[None]:
    """Batches that a short history fills several times."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "BATCH", 3)
        patch.setattr(following, "KEEP_POSITION", 4)
        patch.setattr(index, "LEFTOVERS", 2)
        yield


CMDS = st.sampled_from(["a", "b", "c"])
TAGS = st.sampled_from([[], ["s"], ["t"], ["s", "t"]])
CORRELATIONS = st.sampled_from(["k1", "k2"])

#: An element as plain values: command, tags, a bound that the number in the payload reaches.
ELEMENTS = st.tuples(CMDS | st.none(), TAGS, st.integers(0, 3) | st.none())
EVENTS = st.tuples(CMDS, TAGS, CORRELATIONS, st.integers(0, 3))


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """The arguments of `append_when`, with elements as plain values."""
    several = st.lists(ELEMENTS, min_size=1, max_size=3, unique_by=repr)
    kinds = {"all_of": several, "any_of": several, "sequence": several}
    chosen = draw(st.lists(st.sampled_from([*kinds, "count"]), min_size=1, max_size=2, unique=True))
    arguments: dict[str, Any] = {kind: draw(kinds[kind]) for kind in chosen if kind != "count"}
    if "count" in chosen:
        arguments["count"] = (draw(ELEMENTS), draw(st.integers(1, 3)))
    scope = draw(st.sampled_from([{}, {"correlation_id": "k1"}, {"tags": ["s"]}]))
    return {**arguments, "timeout": draw(st.none() | st.integers(1, 20)), "scope": scope, "past": draw(st.booleans())}


STEPS = st.one_of(
    st.tuples(st.just("append"), st.lists(EVENTS, min_size=1, max_size=4)),
    st.tuples(st.just("wait"), conditions()),
    st.tuples(st.just("run"), st.none()),
    st.tuples(st.just("restart"), st.none()),
    st.tuples(st.just("pass"), st.integers(1, 10)),
)


def element(plain: tuple[Any, ...]) -> Happened:
    cmd, tags, least = plain
    return Happened(Query(cmd=cmd, tags=tags or None), {} if least is None else {"n": {"gte": least}})


def arguments_of(condition: dict[str, Any]) -> dict[str, Any]:
    asked = {kind: condition.get(kind) and list(map(element, condition[kind])) for kind in ("all_of", "any_of")}
    asked["sequence"] = condition.get("sequence") and list(map(element, condition["sequence"]))
    asked["count"] = condition.get("count") and (element(condition["count"][0]), condition["count"][1])
    return {**asked, "timeout": condition["timeout"], "after": 0 if condition["past"] else None, "otherwise": None}


# --- the plain answer


def is_one(plain: tuple[Any, ...], scope: dict[str, Any], event: Event) -> bool:
    cmd, tags, least = plain
    wanted = set(tags) or set(scope.get("tags", ()))
    return (
        (cmd is None or event.cmd == cmd)
        and wanted <= set(event.tags)
        and scope.get("correlation_id") in (None, event.correlation_id)
        and (least is None or event.data.get("n", -1) >= least)
    )


def happened(condition: dict[str, Any], events: list[Event]) -> bool:
    """Whether all of it is in a history, found without any state."""
    scope = condition["scope"]
    found = [any(is_one(each, scope, event) for event in events) for each in condition.get("all_of", ())]
    if "any_of" in condition:
        found.append(any(is_one(each, scope, event) for event in events for each in condition["any_of"]))
    if "count" in condition:
        each, number = condition["count"]
        found.append(sum(is_one(each, scope, event) for event in events) >= number)
    if "sequence" in condition:
        wanted = condition["sequence"]
        found.append(
            any(
                all(is_one(each, scope, event) for each, event in zip(wanted, chosen, strict=True))
                for chosen in combinations(events, len(wanted))
            )
        )
    return all(found)


def completing(condition: dict[str, Any], events: list[Event]) -> int | None:
    """The id of the event with which all of it has happened first."""
    ends = (event.id for number, event in enumerate(events, 1) if happened(condition, events[:number]))
    return next(ends, None)


# --- the same, by the follower


class World:
    """A store, whose followers come and go, and what was waited for in it."""

    def __init__(self) -> None:
        self.time = 1_000_000_000_000
        self.host = StorageHost(open_storage("memory"), lambda: self.time)
        self.waits = Waits(self.host)
        self.followers = [WaitFollower(self.host)]
        self.registered: list[tuple[int, dict[str, Any], int, int | None]] = []

    def take(self, step: tuple[str, Any]) -> None:
        kind, value = step
        if kind == "append":
            self.host.append_many([NewEvent(cmd, {"n": n}, tags=tags, correlation_id=k) for cmd, tags, k, n in value])
        elif kind == "wait":
            self.register(value)
        elif kind == "run":
            self.run()
        elif kind == "restart":
            self.followers = [WaitFollower(self.host), *self.followers[:1]]
        else:
            self.time += value * 1_000_000

    def register(self, condition: dict[str, Any]) -> None:
        head, timeout = self.host.storage.head(), condition["timeout"]
        deadline = None if timeout is None else self.time + timeout * 1_000_000
        wait = self.waits.append_when(NewEvent("done", **condition["scope"]), **arguments_of(condition))
        self.registered.append((wait.id, condition, 0 if condition["past"] else head, deadline))

    def run(self) -> None:
        while sum(follower.catch_up() for follower in self.followers):
            pass

    def history(self, start: int, deadline: int | None) -> list[Event]:
        rows = self.host.storage.read(Query(), after=start, limit=10_000)
        return self.host.events(row for row in rows if deadline is None or row[2] < deadline)


def answers(world: World) -> Iterator[tuple[tuple[str, int | None], tuple[str, int | None]]]:
    """For each wait what became of it, and what should have."""
    for id, condition, start, deadline in world.registered:
        wait = world.waits.get(id)
        assert wait is not None
        end = completing(condition, world.history(start, deadline))
        state = "executed" if end else "expired" if deadline is not None and world.time >= deadline else "pending"
        yield (wait.state, wait.last_id if end else None), (state, end)


@settings(max_examples=150)
@given(st.lists(STEPS, max_size=14))
def test_waits_come_to_what_the_whole_history_says(steps: list[tuple[str, Any]]) -> None:
    world = World()
    for step in steps:
        world.take(step)
    world.run()
    for found, wanted in answers(world):
        assert found == wanted
    appended = world.host.storage.read(Query(cmd="done"), limit=10_000)
    ids = [wait.event_id for wait in world.waits.list(state="executed")]
    assert sorted(ids) == [row[0] for row in appended]  # each appended exactly one
