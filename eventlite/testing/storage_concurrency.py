"""Many threads on one store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from eventlite.contracts import Committed, Outcome, Storage
from eventlite.errors import ConflictError
from eventlite.event import Row
from eventlite.query import Condition, Query
from eventlite.testing.storage_base import (
    PATIENCE,
    StorageSuite,
    append,
    batch,
    event,
    everything,
    in_background,
    offer,
    refused,
)

_Result = TypeVar("_Result")
_RACERS = 16
_ROUNDS = 8


def race(call: Callable[[int], _Result], racers: int = _RACERS) -> list[_Result]:
    """What each of the threads got that made the call at the same moment."""
    barrier = threading.Barrier(racers)

    def start(number: int) -> _Result:
        barrier.wait(PATIENCE)
        return call(number)

    return [future.result(PATIENCE) for future in [in_background(start, number) for number in range(racers)]]


class ConcurrencyContract(StorageSuite):
    """Whatever the threads do, there is one order, and everybody sees it."""

    def test_one_condition_has_one_winner_in_every_round(self, storage: Storage) -> None:
        seat = Query(tags="seat:1")
        for number in range(1, _ROUNDS + 1):
            once = Condition(seat, after=storage.last(seat))
            outcomes = race(partial(_take_seat, storage, once))
            (winner,) = [outcome for outcome in outcomes if isinstance(outcome, Committed)]
            losers = [refused(outcome, ConflictError) for outcome in outcomes if outcome is not winner]
            assert {loser.position for loser in losers} == {winner.rows[0][0]}
            assert storage.count(seat) == number

    def test_one_key_is_one_event_for_everybody(self, storage: Storage) -> None:
        for number in range(_ROUNDS):
            outcomes = race(partial(_use_key, storage, f"k{number}"))
            assert sorted(_newness(outcomes)) == [False] * (_RACERS - 1) + [True]
            assert len({outcome.rows[0] for outcome in outcomes if isinstance(outcome, Committed)}) == 1
        assert storage.count(Query()) == _ROUNDS

    def test_every_commit_of_every_thread_is_stored_once(self, storage: Storage) -> None:
        batches = race(lambda racer: [append(storage, event(user=str(racer)), event()) for _ in range(_ROUNDS)])
        rows = [row for thread in batches for stored in thread for row in stored]
        assert everything(storage) == sorted(rows)
        assert len({row[0] for row in rows}) == 2 * _RACERS * _ROUNDS

    def test_a_follower_never_skips(self, storage: Storage) -> None:
        """Reading on from the last event seen finds everything in order, whoever is writing."""
        done = threading.Event()
        followers = [in_background(_follow, storage, done) for _ in range(3)]
        race(lambda racer: [append(storage, event(user=str(racer)), event()) for _ in range(_ROUNDS)])
        done.set()
        stored = everything(storage)
        assert [follower.result(PATIENCE) for follower in followers] == [stored] * 3

    def test_a_batch_is_seen_whole(self, storage: Storage) -> None:
        done = threading.Event()
        counts = [in_background(_counts, storage, done) for _ in range(2)]
        race(lambda _: [append(storage, *(event(tags=["t"]) for _ in range(5))) for _ in range(_ROUNDS)], 4)
        done.set()
        seen = [count for future in counts for count in future.result(PATIENCE)]
        assert storage.count(Query(tags="t")) == 5 * 4 * _ROUNDS
        assert all(count % 5 == 0 for count in seen)

    def test_transactions_do_not_overlap(self, storage: Storage) -> None:
        race(lambda _: _increment(storage, _ROUNDS))
        with storage.snapshot() as snapshot:
            record = snapshot.state.get("space", "counter")
        assert record is not None
        assert (record.value["n"], record.version) == (_RACERS * _ROUNDS, _RACERS * _ROUNDS)
        assert storage.head() == _RACERS * _ROUNDS


def _take_seat(storage: Storage, condition: Condition, racer: int) -> Outcome:
    return offer(storage, event(user=str(racer), tags=["seat:1"]), condition=condition)


def _use_key(storage: Storage, key: str, _: int) -> Outcome:
    return offer(storage, event(key=key))


def _newness(outcomes: Sequence[Outcome]) -> list[bool]:
    return [outcome.new for outcome in outcomes if isinstance(outcome, Committed)]


def _follow(storage: Storage, done: threading.Event) -> list[Row]:
    seen: list[Row] = []
    last = 0
    while True:
        finished = done.is_set()
        storage.wait(last, 0.05)
        rows = storage.read(Query(), after=last, limit=7)
        if not rows and finished:
            return seen
        seen += rows
        for row in rows:
            assert row[0] > last
            last = row[0]


def _counts(storage: Storage, done: threading.Event) -> list[int]:
    counts = []
    while not done.is_set():
        counts.append(storage.count(Query(tags="t")))
        counts.append(len(storage.read(Query(), limit=1000)))
        storage.wait(counts[-1], 0.05)
    return counts


def _increment(storage: Storage, times: int) -> None:
    for _ in range(times):
        with storage.transaction() as tx:
            record = tx.state.get("space", "counter")
            present, version = (0, 0) if record is None else (record.value["n"], record.version)
            tx.append(batch(event()))
            tx.state.put("space", "counter", {"n": present + 1}, expected=version)
