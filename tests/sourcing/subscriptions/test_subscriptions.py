"""Following events in a loop: what comes, where it begins, and when it counts as done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from eventlite import (
    ConflictError,
    EventLiteError,
    InvalidQueryError,
    Kernel,
    NewEvent,
    Query,
    StoreClosedError,
    SubscriptionError,
)
from eventlite.sourcing.consumer import HOLD, Hold

WaitUntil = Callable[[Callable[[], bool]], None]
Follow = Callable[..., Any]


def ids(events: Any) -> list[int]:
    return [event.id for event in events]


def fill(kernel: Kernel, count: int) -> None:
    kernel.append_many([NewEvent("odd" if n % 2 else "even", {"n": n}) for n in range(1, count + 1)])


def test_a_named_one_begins_at_the_first_event_and_goes_on_where_it_was(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 5)
    assert ids(follow(Query(), name="a").events(idle_after=0)) == [1, 2, 3, 4, 5]
    fill(kernel, 2)
    assert ids(follow(Query(), name="a", after=3).events(idle_after=0)) == [6, 7]
    assert ids(follow(Query(), name="b", after=3).events(idle_after=0)) == [4, 5, 6, 7]


def test_one_without_a_name_begins_at_the_head_unless_told_where(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 3)
    from_now_on = follow(Query())
    assert from_now_on.position == 3
    fill(kernel, 2)
    assert ids(from_now_on.events(idle_after=0)) == [4, 5]
    assert ids(follow(Query(), after=1).events(idle_after=0)) == [2, 3, 4, 5]
    assert kernel.subscriptions.list() == []


def test_it_waits_for_the_next_event_until_it_is_closed(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 1)
    seen: list[int] = []
    going_on = threading.Event()

    def append() -> None:
        for _ in range(3):
            assert going_on.wait(30)
            going_on.clear()
            kernel.append("x")

    thread = threading.Thread(target=append)
    thread.start()
    with follow(Query(), name="a") as subscription:
        for event in subscription:
            seen.append(event.id)
            if len(seen) == 4:
                break
            going_on.set()
    thread.join(30)
    assert seen == [1, 2, 3, 4]
    assert kernel.subscriptions.get("a").position == 3


def test_closing_ends_a_wait_in_another_thread(kernel: Kernel) -> None:
    for name in (None, "a"):
        subscription = kernel.subscribe(Query(), name=name)
        ended = threading.Event()
        thread = threading.Thread(target=lambda s=subscription, e=ended: (list(s), e.set()))
        thread.start()
        assert not ended.wait(0.2)
        subscription.close()
        subscription.close()
        assert ended.wait(30)
        assert list(subscription) == []


def test_closing_ends_a_loop_before_its_next_event(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 10)
    for name in (None, "a"):
        subscription, seen = follow(Query(), name=name, after=0), []
        for event in subscription:
            seen.append(event.id)
            if event.id == 4:
                subscription.close()
        assert seen == [1, 2, 3, 4]


def test_who_leaves_the_loop_gets_the_last_event_again(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 5)
    for name in (None, "a"):
        subscription = follow(Query(), name=name, after=0)
        for event in subscription:
            if event.id == 3:
                break
        assert subscription.position == 2
        with pytest.raises(ZeroDivisionError):
            for event in subscription:
                assert event.id == 3
                raise ZeroDivisionError
        assert ids(subscription.events(idle_after=0)) == [3, 4, 5]


def test_next_takes_one_at_a_time(kernel: Kernel) -> None:
    fill(kernel, 4)
    with kernel.subscribe(Query(), name="a") as subscription:
        assert (next(subscription).id, next(subscription).id) == (1, 2)
        assert next(iter(subscription)).id == 3
        assert subscription.position == 2
    assert kernel.subscriptions.get("a").position == 2
    assert next(iter(kernel.subscribe(Query(), name="a"))).id == 3


def test_events_that_do_not_match_move_the_checkpoint_too(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 2500)
    assert len(ids(follow(Query(cmd="odd"), name="a").events(idle_after=0))) == 1250
    assert kernel.subscriptions.get("a").position == 2500
    assert ids(follow(Query(cmd="none"), name="b").events(idle_after=0)) == []
    assert kernel.subscriptions.get("b").lag == 0


def test_the_checkpoint_is_durable_within_a_thousand_events(kernel: Kernel) -> None:
    fill(kernel, 4000)
    for event in kernel.subscribe(Query(), name="a"):
        if event.id % 250 == 0:
            assert event.id - kernel.subscriptions.get("a").position <= 1000
        if event.id == 4000:
            break


def test_the_checkpoint_is_durable_although_a_save_in_the_background_takes_long(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(kernel, 2500)
    begin, go_on = kernel.transaction, threading.Event()

    def late() -> Any:
        if threading.current_thread().name == "eventlite-checkpoint":
            go_on.wait(30)
        return begin()

    monkeypatch.setattr(kernel, "transaction", late)
    for event in kernel.subscribe(Query(), name="a"):
        if event.id == 600:
            time.sleep(0.3)  # a save begins
        if event.id % 250 == 0:
            assert event.id - kernel.subscriptions.get("a").position <= 1000
        if event.id == 2500:
            break
    go_on.set()


def test_the_checkpoint_becomes_durable_although_the_next_event_takes_long(
    kernel: Kernel, wait_until: WaitUntil
) -> None:
    fill(kernel, 4)
    for event in kernel.subscribe(Query(), name="a"):
        if event.id == 4:
            wait_until(lambda: kernel.subscriptions.get("a").position == 3)
            break


def test_a_slow_loop_keeps_its_hold_and_an_idle_one_too(kernel: Kernel) -> None:
    fill(kernel, 2)
    other = Hold(kernel, "subscription:a")
    pause = threading.Event()
    for event in kernel.subscribe(Query(), name="a").events(idle_after=2 * HOLD):
        assert event.id in (1, 2)
        if event.id == 1:
            for _ in range(20):  # longer than a hold lasts
                pause.wait(HOLD / 10)
                assert not other.acquire()
    assert other.acquire()


def test_the_other_stands_by_until_the_first_one_is_closed(kernel: Kernel) -> None:
    fill(kernel, 3)
    first = kernel.subscribe(Query(), name="a")
    assert (next(first).id, next(first).id) == (1, 2)
    assert list(kernel.subscribe(Query(), name="a").events(idle_after=0.3)) == []
    first.close()
    assert ids(kernel.subscribe(Query(), name="a").events(idle_after=0)) == [2, 3]


def test_who_lost_the_hold_handles_nothing_more_and_moves_nothing(kernel: Kernel) -> None:
    fill(kernel, 10)
    clock, seen = kernel.clock, []
    for event in kernel.subscribe(Query(), name="a").events(idle_after=0):
        seen.append(event.id)
        if event.id == 4:
            kernel.clock = lambda: clock() + int(5 * HOLD * 1_000_000)  # as if it had been stopped for some seconds
            thief = Hold(kernel, "subscription:a")
            assert thief.acquire()
            thief.save(8)
    assert seen == [1, 2, 3, 4]
    assert kernel.subscriptions.get("a").position == 8
    thief.release()
    assert ids(kernel.subscribe(Query(), name="a").events(idle_after=0)) == [9, 10]


def test_a_hold_that_ran_out_but_that_nobody_took_is_taken_up_again(kernel: Kernel) -> None:
    fill(kernel, 1200)
    clock, seen = kernel.clock, []
    for event in kernel.subscribe(Query(), name="a").events(idle_after=0):
        seen.append(event.id)
        if event.id % 100 == 0:
            kernel.clock = lambda more=event.id: clock() + more * 1_000_000
    assert seen == list(range(1, 1201))


def test_pausing_resuming_and_resetting_reach_who_runs(kernel: Kernel, follow: Follow, wait_until: WaitUntil) -> None:
    fill(kernel, 3)
    seen: list[int] = []

    def change() -> None:
        wait_until(lambda: seen == [1, 2, 3])
        assert kernel.subscriptions.pause("a").state == "paused"
        wait_until(lambda: kernel.subscriptions.get("a").holder is None)
        pause = threading.Event()
        pause.wait(0.6)  # renewed every half second: by now it has noticed
        kernel.append("x")
        pause.wait(0.3)
        assert seen == [1, 2, 3]
        kernel.subscriptions.resume("a")
        wait_until(lambda: seen[3:] == [4])
        kernel.subscriptions.reset("a", 1)
        wait_until(lambda: seen[4:] == [2, 3, 4])
        stop.set()

    stop = threading.Event()
    thread = threading.Thread(target=change)
    thread.start()
    try:
        for event in follow(Query(), name="a").events(stop=stop, idle_after=20):
            seen.append(event.id)
    finally:
        thread.join(60)
    assert seen == [1, 2, 3, 4, 2, 3, 4]
    assert kernel.subscriptions.get("a").position == 4


def test_a_reset_while_events_are_handled_wins(kernel: Kernel) -> None:
    fill(kernel, 2000)
    seen: list[int] = []
    for event in kernel.subscribe(Query(), name="a").events(idle_after=0.5):
        seen.append(event.id)
        if len(seen) == 1200:
            kernel.subscriptions.reset("a", 100)
    again = seen.index(101, 1200)
    assert seen == [*range(1, again + 1), *range(101, 2001)]
    assert kernel.subscriptions.get("a").position == 2000


def test_one_that_is_deleted_begins_anew_and_is_not_deleted_while_it_runs(kernel: Kernel, follow: Follow) -> None:
    kernel.append_many([NewEvent("x")] * 3)
    with follow(Query(), name="a") as running:
        events = iter(running)
        assert next(events).id == 1
        with pytest.raises(ConflictError, match=r"subscription 'a' is running, held by process \d+"):
            kernel.subscriptions.delete("a")
    follow(Query(), name="a").run(lambda event: 1 / 0, on_error="dead-letter", idle_after=0)
    with pytest.raises(ConflictError, match="has 3 dead letters"):
        kernel.subscriptions.delete("a")
    deleted = kernel.subscriptions.delete("a", force=True)
    assert (deleted.position, deleted.dead_letters) == (3, 3)
    with pytest.raises(SubscriptionError, match="there is no subscription 'a'"):
        kernel.subscriptions.delete("a")
    assert [event.id for event in follow(Query(), name="a").events(idle_after=0)] == [1, 2, 3]
    assert kernel.subscriptions.dead_letters("a") == []


def test_following_inside_a_transaction_is_refused_and_never_waits_for_itself(kernel: Kernel) -> None:
    fill(kernel, 600)
    subscription = kernel.subscribe(Query(), name="a")
    assert next(subscription).id == 1
    with pytest.raises(EventLiteError, match="inside a transaction"), kernel.transaction():
        threading.Event().wait(0.7)  # by now the hold is to be renewed, which waits for the end of this
        subscription.close()
    assert next(iter(kernel.subscribe(Query(), name="a"))).id == 1


def test_closing_the_kernel_closes_its_subscriptions(
    sections: dict[str, dict[str, Any]], wait_until: WaitUntil
) -> None:
    kernel = Kernel.from_profile("balanced", **sections)
    fill(kernel, 3)
    open_one = kernel.subscribe(Query(), name="a")
    assert (next(open_one).id, next(open_one).id) == (1, 2)
    ended: list[list[int]] = []
    thread = threading.Thread(target=lambda: ended.append(ids(kernel.subscribe(Query(), name="b"))))
    thread.start()
    wait_until(lambda: [each.position for each in kernel.subscriptions.list()] == [1, 3])
    kernel.close()
    thread.join(30)
    assert ended == [[1, 2, 3]]
    assert list(open_one) == []
    if "path" in sections["storage"]:
        with Kernel.from_profile("balanced", **sections) as again:
            assert [(s.name, s.position, s.state) for s in again.subscriptions.list()] == [
                ("a", 1, "stopped"),
                ("b", 3, "stopped"),
            ]


def test_it_is_iterated_by_one_at_a_time(kernel: Kernel) -> None:
    fill(kernel, 2)
    subscription = kernel.subscribe(Query(), name="a")
    items = iter(subscription)
    next(items)
    with pytest.raises(SubscriptionError, match="already"):
        next(iter(subscription))
    items.close()
    assert next(iter(subscription)).id == 1


def test_what_cannot_be_meant_is_refused(kernel: Kernel) -> None:
    for arguments in (("x",), (Query(), "a", -1), (Query(), "a", 5), (Query(), None, "1")):
        with pytest.raises(InvalidQueryError):
            kernel.subscribe(*arguments)
    for name in ("", "a\0", "x" * 256, 7):
        with pytest.raises(SubscriptionError):
            kernel.subscribe(Query(), name)
    with pytest.raises(SubscriptionError, match="idle_after"):
        list(kernel.subscribe(Query()).events(idle_after=-1))
    for call in (kernel.subscriptions.get, kernel.subscriptions.pause, kernel.subscriptions.drop):
        with pytest.raises(SubscriptionError, match="no subscription"):
            call("unknown")
    list(kernel.subscribe(Query(), name="a").events(idle_after=0))
    with pytest.raises(InvalidQueryError, match="beyond the head"):
        kernel.subscriptions.reset("a", 1)


def test_a_closed_kernel_says_so(sections: dict[str, dict[str, Any]]) -> None:
    kernel = Kernel.from_profile("balanced", **sections)
    kernel.subscriptions  # noqa: B018
    kernel.close()
    with pytest.raises(StoreClosedError):
        kernel.subscribe(Query())
