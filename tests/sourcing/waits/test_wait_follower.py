"""How waits are evaluated: by any process, without a cost to what they do not concern."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from eventlite import CorruptionError, Happened, Kernel, NewEvent, Query
from eventlite.sourcing import consumer
from eventlite.sourcing.waits import following, index
from eventlite.sourcing.waits.index import WaitIndex


@pytest.fixture
def another(tmp_path: Path, clock: Any) -> Iterator[Callable[[], Kernel]]:
    """Open one more kernel on one file; it keeps to itself what it knows, as another process does."""
    with ExitStack() as stack:

        def another() -> Kernel:
            kernel = stack.enter_context(Kernel.from_profile(storage={"path": str(tmp_path / "shared.db")}))
            kernel.clock = clock
            return kernel

        yield another


def position(kernel: Kernel) -> int | None:
    """The stored position of the waits."""
    with kernel.storage.snapshot() as snapshot:
        found = consumer.find(snapshot.state, following.CONSUMER)
    return None if found is None else found.position


def ran(kernel: Kernel) -> list[str]:
    """The commands of all events, once the waits were evaluated."""
    kernel.run_until_idle()
    return [event.cmd for event in kernel.read()]


def test_a_wait_that_another_registers_is_seen(another: Callable[[], Kernel]) -> None:
    registering, running = another(), another()
    running.append("a")
    assert ran(running) == ["a"]
    registering.append_when("b", all_of=["a"])
    assert ran(running) == ["a"]
    registering.append("a")
    assert ran(running) == ["a", "a", "b"]
    assert ran(registering) == ["a", "a", "b"]


def test_a_wait_registered_behind_what_a_process_has_seen_misses_nothing(another: Callable[[], Kernel]) -> None:
    registering, running = another(), another()
    running.append_when("never", all_of=["x"])
    running.append_many([NewEvent("a")] * 3)
    running.run_until_idle()  # beyond the stored position
    assert position(running) == 0
    registering.append_when("b", count=("a", 2))
    registering.append("a")
    running.run_until_idle()
    registering.append_when("c", count=("a", 4), after=0)
    registering.append_many([NewEvent("a")])
    assert ran(running)[-2:] == ["b", "c"]
    assert ran(registering).count("b") == ran(another()).count("c") == 1


def test_what_happens_while_the_past_is_looked_at_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.append_many([NewEvent("a")] * 3)
        transaction = kernel.transaction

        def interrupted() -> Any:
            monkeypatch.setattr(kernel, "transaction", transaction)
            kernel.append("a")
            return transaction()

        monkeypatch.setattr(kernel, "transaction", interrupted)
        assert kernel.append_when("b", count=("a", 5), after=0).progress == [[4]]
        kernel.append("a")
        assert ran(kernel)[-1] == "b"


def test_a_deadline_ends_a_wait_only_when_every_event_was_looked_at(
    another: Callable[[], Kernel], clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    kernel = another()
    kernel.append_when("b", sequence=["a", "c"], timeout=1)
    kernel.append_many([NewEvent(cmd) for cmd in ("a", "x", "x", "x", "x", "c")])
    clock.advance(1)
    assert ran(kernel)[-1] == "b"


def test_progress_that_one_process_made_is_carried_on_by_another(another: Callable[[], Kernel]) -> None:
    one, other = another(), another()
    one.append_when("done", sequence=["a", "b", "c"], timeout=60)
    for kernel, cmd in ((one, "a"), (other, "b"), (one, "c")):
        kernel.append(cmd)
        kernel.run_until_idle()
    assert ran(other) == ["a", "b", "c", "done"]


def test_waits_survive_a_restart(another: Callable[[], Kernel], clock: Any) -> None:
    where = Happened(Query(user="bank", since=another().append("x").datetime), where={"amount": {"gte": 100}})
    with another() as before:
        before.append_when("ship", {"n": 1}, all_of=[where, "packed"], tags=["order:1"], timeout=60)
        before.append_when("late", all_of=["never"], timeout=60, otherwise=NewEvent("gone"))
        before.append("packed", tags=["order:1"])
        before.run_until_idle()
        before.append("paid", {"amount": 99}, user="bank", tags=["order:1"])
        before.append("paid", {"amount": 100}, user="bank", tags=["order:1"])
    clock.advance(60)
    assert ran(another())[-2:] == ["ship", "gone"]


def test_events_that_are_looked_at_twice_count_once(another: Callable[[], Kernel]) -> None:
    kernel = another()
    kernel.append_when("c", count=("a", 5))
    kernel.append_when("d", sequence=["b", "a", "b"])
    kernel.append_many([NewEvent("b"), NewEvent("a"), NewEvent("a")])
    kernel.run_until_idle()
    consumer.change(kernel, following.CONSUMER, position=0)
    assert ran(another()) == ["b", "a", "a"]
    assert [wait.progress for wait in kernel.waits.list()] == [[[2]], [[1, 2]]]


def test_a_paused_follower_rests(another: Callable[[], Kernel]) -> None:
    kernel = another()
    kernel.append_when("b", all_of=["a"])
    consumer.change(kernel, following.CONSUMER, paused=True)
    kernel.append("a")
    assert ran(kernel) == ["a"]
    consumer.change(kernel, following.CONSUMER, paused=False)
    assert ran(kernel) == ["a", "b"]


def test_a_damaged_event_is_named(another: Callable[[], Kernel], tmp_path: Path) -> None:
    kernel = another()
    kernel.append_when("b", all_of=[Happened("a", where={"n": 1})])
    kernel.append("a", {"n": 1})
    with closing(sqlite3.connect(tmp_path / "shared.db")) as other, other:
        other.execute("UPDATE event SET data = '{'")
    with pytest.raises(CorruptionError, match="event 1 is damaged"):
        kernel.run_until_idle()


# --- what it costs


def test_a_store_without_waits_is_only_looked_at(
    another: Callable[[], Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "KEEP_POSITION", 50)
    kernel = another()
    kernel.append_many([NewEvent("a")] * 3_000)
    kernel.run_until_idle()
    assert position(kernel) is None
    kernel.append_when("b", all_of=["a"])
    assert position(kernel) == 3_000


def test_events_that_concern_no_wait_write_nothing_but_the_position_now_and_then(
    another: Callable[[], Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "KEEP_POSITION", 50)
    kernel = another()
    kernel.append_when("b", all_of=["a"])
    kernel.append_many([NewEvent("x")] * 49)
    kernel.run_until_idle()
    assert position(kernel) == 0
    kernel.append_many([NewEvent("x")] * 1_500)
    kernel.run_until_idle()
    assert position(kernel) == 1_549


def test_an_event_touches_only_the_waits_it_may_count_for(
    another: Callable[[], Kernel], monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = another()
    for number in range(300):
        kernel.append_when("ship", all_of=["paid", "packed"], tags=[f"order:{number}"])
        kernel.append_when("bill", any_of=[Query(cmd=["paid", "owed"])], correlation_id=f"c{number}")
        kernel.append_when("rare", any_of=[f"rare{number}"])
    kernel.run_until_idle()
    read: list[int] = []
    find_open = following.find_open
    monkeypatch.setattr(following, "find_open", lambda state, wait: read.append(wait) or find_open(state, wait))
    kernel.append("paid", tags=["order:7"], correlation_id="c8")
    kernel.append("rare9")
    kernel.append("packed", tags=["order:300"])
    kernel.run_until_idle()
    assert set(read) == {22, 26, 30}


def test_waits_that_are_closed_are_forgotten(another: Callable[[], Kernel], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "LEFTOVERS", 10)
    kernel, closing = another(), another()
    waiting = WaitIndex()
    for number in range(100):
        kernel.append_when("b", all_of=["a"], correlation_id=f"c{number}")
        with kernel.storage.snapshot() as snapshot:
            waiting.refresh(snapshot.state)
        assert len(waiting) <= 30
        if number % 10:
            closing.append("a", correlation_id=f"c{number}")
            closing.run_until_idle()
    open_ids = [wait.id for wait in kernel.waits.list()]
    assert open_ids == [1, 11, 21, 31, 41, 51, 61, 71, 81, 91]
    row = kernel.append("a", correlation_id="c90").row
    assert waiting.candidates(row) == [91]
