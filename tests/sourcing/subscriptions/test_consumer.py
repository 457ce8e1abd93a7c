"""Where a consumer stands, and who holds it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from eventlite import ConflictError
from eventlite.sourcing.consumer import HOLD, Consumer, Hold, all_consumers, change, find, register, store
from eventlite.testing.clock import ManualClock
from eventlite.testing.host import StorageHost, open_storage


@pytest.fixture
def host() -> Iterator[StorageHost]:
    storage = open_storage("memory")
    yield StorageHost(storage, ManualClock())
    storage.close()


def stored(host: StorageHost, name: str = "c") -> Consumer | None:
    with host.storage.snapshot() as snapshot:
        return find(snapshot.state, name)


def test_one_holds_it_and_the_others_stand_by(host: StorageHost) -> None:
    first, second = Hold(host, "c", start=5), Hold(host, "c")
    assert first.acquire() and first.position == 5
    assert not second.acquire()
    first.save(9)
    first.release()
    assert second.acquire() and second.position == 9


def test_a_hold_that_is_not_renewed_ends_and_its_holder_cannot_move_on(host: StorageHost) -> None:
    first, second = Hold(host, "c"), Hold(host, "c")
    assert first.acquire()
    host.clock.advance(HOLD + 0.000_001)  # type: ignore[attr-defined]
    assert second.acquire()
    with pytest.raises(ConflictError):
        first.save(7)
    assert second.position == 0 and stored(host).position == 0  # type: ignore[union-attr]
    first.release()
    assert not Hold(host, "c").acquire()


def test_moving_on_renews_the_hold(host: StorageHost) -> None:
    first, second = Hold(host, "c"), Hold(host, "c")
    assert first.acquire()
    for position in (1, 2, 3):
        host.clock.advance(HOLD - 0.000_001)  # type: ignore[attr-defined]
        assert not second.acquire()
        first.save(position)
    assert not second.acquire()


def test_a_hold_written_before_the_clock_was_set_back_holds_nobody_up(host: StorageHost) -> None:
    first, second = Hold(host, "c"), Hold(host, "c")
    host.clock.advance(3600)  # type: ignore[attr-defined]
    assert first.acquire()
    host.clock.advance(-3600)  # type: ignore[attr-defined]
    assert second.acquire()


def test_who_is_paused_cannot_be_taken_and_its_holder_notices(host: StorageHost) -> None:
    hold = Hold(host, "c")
    assert hold.acquire()
    change(host, "c", paused=True)
    with pytest.raises(ConflictError):
        hold.save(3)
    assert not hold.acquire()
    change(host, "c", paused=False)
    assert hold.acquire()
    assert change(host, "unknown", paused=True) is None


def test_moving_on_is_undone_with_its_transaction(host: StorageHost) -> None:
    hold = Hold(host, "c")
    assert hold.acquire()
    with pytest.raises(ZeroDivisionError), host.transaction() as transaction:
        hold.advance(transaction.state, 8)
        1 / 0  # noqa: B018
    assert (hold.position, stored(host).position) == (0, 0)  # type: ignore[union-attr]
    hold.save(8, error="E: x", error_position=9)
    assert (stored(host).position, stored(host).error_position) == (8, 9)  # type: ignore[union-attr]


def test_a_consumer_is_registered_once(host: StorageHost) -> None:
    assert register(host, "c", 4).position == 4
    assert register(host, "c", 9).position == 4


def test_consumers_are_listed_by_prefix(host: StorageHost) -> None:
    with host.transaction() as transaction:
        for n in range(1_500):
            store(transaction.state, Consumer(f"a/{n:04}"))
        store(transaction.state, Consumer("b/1"))
    with host.storage.snapshot() as snapshot:
        assert len(all_consumers(snapshot.state, "a/")) == 1_500
        assert [consumer.name for consumer in all_consumers(snapshot.state, "b")] == ["b/1"]
        assert len(all_consumers(snapshot.state)) == 1_501
