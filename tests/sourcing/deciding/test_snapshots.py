"""Snapshots: a snapshot and what came after it are the whole history."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlite import Decider, Event, InvalidEventError, Kernel, NewEvent, Query, Snapshots
from eventlite.sourcing import snapshots
from eventlite.sourcing.folding import fold
from eventlite.testing.host import StorageHost, open_storage

THING = Query(tags=["thing"])


def collect(state: dict[str, Any], event: Event) -> dict[str, Any]:
    """A state that depends on every event and on their order; changed in place, as users may."""
    state["sum"] = (state["sum"] * 31 + event.data["n"]) % 1_000_003
    state["ids"].append(event.id)
    return state


def empty() -> dict[str, Any]:
    return {"sum": 0, "ids": []}


def kept(kernel: Any, subject: str) -> list[int]:
    with kernel.storage.snapshot() as snapshot:
        record = snapshot.state.get(snapshots.NAMESPACE, subject)
        states = [state.name for state in snapshot.state.list("snapshot.state")]
    taken: dict[str, int] = record.value["taken"] if record else {}
    assert states == sorted(f"{subject}@{position}/0" for position in taken)
    return [int(position) for position in taken]


# An append of so many events, of which each is the thing's or another's, or a look at the state at some position.
_STEPS = st.lists(
    st.one_of(st.lists(st.booleans(), min_size=1, max_size=5), st.none(), st.floats(0, 1)), min_size=1, max_size=30
)


@given(steps=_STEPS, every=st.integers(1, 6), most=st.integers(1, 3))
def test_a_snapshot_and_its_tail_equal_a_full_fold(steps: list[Any], every: int, most: int) -> None:
    storage = open_storage("memory")
    host = StorageHost(storage)
    policy = Snapshots[dict[str, Any]]("thing", every=every, keep=most)
    for step in [*steps, None, 0.5]:
        if isinstance(step, list):
            host.append_many(
                [
                    NewEvent("a", {"n": n + storage.head()}, tags=["thing" if own else "other"])
                    for n, own in enumerate(step)
                ]
            )
        else:
            at = None if step is None else round(step * storage.head())
            with_snapshots = fold(host, THING, collect, empty, at=at, snapshots=policy)
            assert with_snapshots == fold(host, THING, collect, empty, at=at)
            assert len(kept(host, policy.of(THING).name)) <= most
    storage.close()


def test_only_the_tail_is_read(kernel: Any) -> None:
    read: list[int] = []
    policy = Snapshots[int]("count", every=10)

    def count(state: int, event: Event) -> int:
        read.append(event.id)
        return state + 1

    kernel.append_many([NewEvent("a", tags=["thing"]) for _ in range(12)])
    assert kernel.fold(THING, count, 0, snapshots=policy) == (12, 12)
    kernel.append("a", tags=["thing"])
    read.clear()
    assert kernel.fold(THING, count, 0, snapshots=policy) == (13, 13) and read == [13]
    read.clear()
    assert kernel.fold(THING, count, 0, snapshots=replace(policy, version=2)) == (13, 13) and len(read) == 13
    read.clear()
    assert kernel.fold(THING, count, 0, snapshots=policy) == (13, 13) and len(read) == 13  # that of version 1 is gone
    read.clear()
    assert kernel.fold(THING, count, 0, at=5, snapshots=policy) == (5, 5) and len(read) == 5
    assert kernel.fold(Query(tags=["other"]), count, 0, snapshots=policy).state == 0
    assert kernel.fold(THING, count, 0, snapshots=Snapshots("another")).state == 13


def test_the_newest_at_or_before_a_position_is_loaded(kernel: Any) -> None:
    host, policy = getattr(kernel, "kernel", kernel), Snapshots[int]("count", keep=3)
    subject = policy.of(THING)
    for position in (10, 20, 30, 40, 15):
        subject.take(host, position, position * 100)
    assert kept(host, subject.name) == [20, 30, 40]  # 15 is older than any of the three
    found = {at: subject.newest(host.storage, at) for at in (19, 20, 29, 30, 99)}
    assert found == {19: None, 20: (2000, 20), 29: (2000, 20), 30: (3000, 30), 99: (4000, 40)}
    subject.take(host, 30, 5)  # again: the later one counts
    assert subject.newest(host.storage, 30) == (5, 30)
    with host.transaction() as transaction:
        snapshots.forget(transaction.state, subject.name)
    assert kept(host, subject.name) == [] and subject.newest(host.storage, 99) is None


@dataclass(frozen=True)
class Account:
    cents: int = 0
    owners: tuple[str, ...] = ()


def book(account: Account, event: Event) -> Account:
    return Account(account.cents + event.data["cents"], (*account.owners, event.user))


def load_account(value: dict[str, Any]) -> Account:
    return Account(value["cents"], tuple(value["owners"]))


def test_a_state_of_a_class_needs_a_way_to_json_and_back(kernel: Any) -> None:
    kernel.append("booked", {"cents": 5}, user="ada", tags=["thing"])
    with pytest.raises(InvalidEventError, match="cannot be stored as JSON"):
        kernel.fold(THING, book, Account(), snapshots=Snapshots("account", every=1))
    with pytest.raises(InvalidEventError, match="would not come back") as refused:
        kernel.fold(THING, lambda state, event: (event.id,), (), snapshots=Snapshots("tuple", every=1))
    assert "`dump`" in str(refused.value)
    policy = Snapshots("account", every=1, dump=asdict, load=load_account)
    for _ in range(2):
        assert kernel.fold(THING, book, Account(), snapshots=policy).state == Account(5, ("ada",))
    assert policy.of(THING).newest(kernel.storage, 9) == (Account(5, ("ada",)), 1)


def test_a_decider_takes_snapshots_and_decides_alike(kernel: Any) -> None:
    policy = Snapshots[int]("counter", every=5, keep=1)

    def decide(command: str, state: int) -> NewEvent:
        return NewEvent("counted", {"n": state + 1}, tags=["thing"])

    decider = Decider(decide, lambda state, event: event.data["n"], 0, THING, snapshots=policy)
    for _ in range(23):
        kernel.decide(decider, "count")
    assert [event.data["n"] for event in kernel.read(THING)] == list(range(1, 24))
    assert kept(kernel, policy.of(THING).name) == [20]


def test_a_store_that_others_hold_is_folded_all_the_same(tmp_path: Any) -> None:
    path, policy = tmp_path / "events.db", Snapshots[int]("n", every=1)
    with Kernel.from_profile(storage={"path": str(path), "busy_timeout": 0.05}) as kernel:
        kernel.append("a", tags=["thing"])
        with closing(sqlite3.connect(path)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert kernel.fold(THING, lambda state, event: state + 1, 0, snapshots=policy).state == 1
            assert policy.of(THING).newest(kernel.storage, 9) is None
            other.rollback()
        assert kernel.fold(THING, lambda state, event: state + 1, 0, snapshots=policy).state == 1
        assert policy.of(THING).newest(kernel.storage, 9) == (1, 1)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"keep": 0}, {"version": 0}, {"every": 1.5}])
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidEventError, match=next(iter(wrong))):
        Snapshots("n", **wrong)
