"""`run`: a handler for every event, what becomes of its errors, and handlers side by side."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from eventlite import Kernel, NewEvent, Query, StoreClosedError, SubscriptionError, SubscriptionPausedError

WaitUntil = Callable[[Callable[[], bool]], None]
Follow = Callable[..., Any]

PARTITIONS = pytest.mark.parametrize("partitions", [1, 3])


def fill(kernel: Kernel, count: int) -> None:
    kernel.append_many([NewEvent("x", {"n": n}) for n in range(1, count + 1)])


class Fussy:
    """Remembers what it handled, and raises at some events for so many times."""

    def __init__(self, **times: int) -> None:
        self.times = {int(name[1:]): count for name, count in times.items()}
        self.handled: list[int] = []

    def __call__(self, event: Any) -> None:
        if self.times.get(event.id, 0) > 0:
            self.times[event.id] -= 1
            raise ValueError(f"not {event.id}")
        self.handled.append(event.id)


@PARTITIONS
def test_every_event_is_handled_once(kernel: Kernel, follow: Follow, partitions: int) -> None:
    fill(kernel, 1300)
    handler = Fussy()
    assert follow(Query(), name="a").run(handler, idle_after=0, partitions=partitions) == 1300
    assert sorted(handler.handled) == list(range(1, 1301))
    assert kernel.subscriptions.get("a").position == 1300
    assert follow(Query(), after=1290).run(handler, idle_after=0, partitions=partitions) == 10


@PARTITIONS
def test_pause_stands_still_at_the_event_until_it_is_resumed(kernel: Kernel, follow: Follow, partitions: int) -> None:
    kernel.append_many([NewEvent("x", correlation_id="one") for _ in range(6)])
    handler = Fussy(_4=1)
    with pytest.raises(SubscriptionPausedError, match="event 4: ValueError: not 4") as raised:
        follow(Query(), name="a").run(handler, idle_after=0, partitions=partitions)
    assert raised.value.position == 4
    assert isinstance(raised.value.__cause__, ValueError)
    assert handler.handled == [1, 2, 3]
    status = kernel.subscriptions.get("a")
    assert (status.state, status.position, status.lag, status.holder) == ("paused", 3, 3, None)
    assert (status.error, status.error_position) == ("ValueError: not 4", 4)
    assert follow(Query(), name="a").run(handler, idle_after=0.2, partitions=partitions) == 0
    assert kernel.subscriptions.resume("a").error is None
    assert follow(Query(), name="a").run(handler, idle_after=0, partitions=partitions) == 3
    assert handler.handled == [1, 2, 3, 4, 5, 6]


def test_one_without_a_name_raises_and_goes_on_at_the_event(kernel: Kernel, follow: Follow) -> None:
    fill(kernel, 3)
    handler, subscription = Fussy(_2=1), follow(Query(), after=0)
    with pytest.raises(SubscriptionPausedError):
        subscription.run(handler, idle_after=0)
    assert subscription.run(handler, idle_after=0) == 2
    assert handler.handled == [1, 2, 3]


@PARTITIONS
def test_retry_calls_again_until_it_works(
    kernel: Kernel, follow: Follow, partitions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlite.sourcing.subscriptions.handling.FIRST_DELAY", 0.001)
    fill(kernel, 5)
    handler = Fussy(_2=3, _5=2)
    options = {"on_error": "retry", "idle_after": 0, "partitions": partitions}
    assert follow(Query(), name="a").run(handler, **options) == 5
    assert sorted(handler.handled) == [1, 2, 3, 4, 5]
    assert kernel.subscriptions.get("a").error is None


@PARTITIONS
def test_a_retry_can_be_stopped_and_its_event_comes_again(
    kernel: Kernel, follow: Follow, partitions: int, wait_until: WaitUntil
) -> None:
    fill(kernel, 3)
    stop = threading.Event()
    handler = Fussy(_2=1000)

    def stop_when_it_shows() -> None:
        wait_until(lambda: kernel.subscriptions.list() and kernel.subscriptions.get("a").error is not None)
        stop.set()

    thread = threading.Thread(target=stop_when_it_shows)
    thread.start()
    follow(Query(), name="a").run(handler, on_error="retry", stop=stop, idle_after=60, partitions=partitions)
    thread.join(30)
    status = kernel.subscriptions.get("a")
    assert (status.position, status.error_position, status.state) == (1, 2, "stopped")


def test_a_retry_ends_when_somebody_pauses_or_resets(kernel: Kernel, wait_until: WaitUntil) -> None:
    fill(kernel, 3)
    handler, stop = Fussy(_2=1000), threading.Event()
    thread = threading.Thread(target=kernel.subscribe(Query(), name="a").run, args=(handler,),
                              kwargs={"on_error": "retry", "stop": stop})  # fmt: skip
    thread.start()
    wait_until(lambda: kernel.subscriptions.list() and kernel.subscriptions.get("a").error is not None)
    kernel.subscriptions.reset("a", 2)
    wait_until(lambda: handler.handled == [1, 3])
    stop.set()
    thread.join(30)
    assert kernel.subscriptions.get("a").position == 3


@PARTITIONS
def test_dead_letters_are_kept_and_the_others_go_on(kernel: Kernel, follow: Follow, partitions: int) -> None:
    fill(kernel, 6)
    handler = Fussy(_2=1000, _5=1)
    options = {"on_error": "dead-letter", "idle_after": 0, "partitions": partitions}
    follow(Query(), name="a").run(handler, **options)
    assert sorted(handler.handled) == [1, 3, 4, 6]
    assert kernel.subscriptions.get("a").position == 6
    letters = kernel.subscriptions.dead_letters("a")
    assert [(each.event_id, each.error, each.attempts, each.retrying) for each in letters] == [
        (2, "ValueError: not 2", 1, False),
        (5, "ValueError: not 5", 1, False),
    ]
    assert [each.event_id for each in kernel.subscriptions.retry("a")] == [2, 5]
    follow(Query(), name="a").run(handler, **options)
    assert sorted(handler.handled) == [1, 3, 4, 5, 6]
    (letter,) = kernel.subscriptions.dead_letters("a")
    assert (letter.event_id, letter.attempts, letter.retrying) == (2, 2, False)
    assert kernel.subscriptions.drop("a", [5]) == []
    assert kernel.subscriptions.drop("a", [2]) == [letter]
    assert kernel.subscriptions.get("a").dead_letters == 0


def test_whatever_an_error_says_can_be_kept(kernel: Kernel) -> None:
    class Silent(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    errors = iter([ValueError("\ud800 \0"), ValueError("x" * 5000), Silent()])

    def fail(event: Any) -> None:
        raise next(errors)

    fill(kernel, 3)
    kernel.subscribe(Query(), name="a").run(fail, on_error="dead-letter", idle_after=0)
    assert [letter.error[:20] for letter in kernel.subscriptions.dead_letters("a")] == [
        "ValueError: \\ud800 \0", "ValueError: xxxxxxxx", "Silent: ",
    ]  # fmt: skip


@PARTITIONS
def test_stopping_lets_the_handler_finish_and_counts_its_event(kernel: Kernel, partitions: int) -> None:
    kernel.append_many([NewEvent("x", correlation_id="one") for _ in range(5)])
    for how in ("stop", "close"):
        stop, handled = threading.Event(), []
        subscription = kernel.subscribe(Query(), name=how)

        def handler(event: Any, how=how, stop=stop, handled=handled, subscription=subscription) -> None:
            if event.id == 2:
                stop.set() if how == "stop" else subscription.close()
            handled.append(event.id)

        assert subscription.run(handler, stop=stop, partitions=partitions) == 2
        assert handled == [1, 2]
        status = kernel.subscriptions.get(how)
        assert (status.position, status.state) == (2, "stopped")


def test_closing_the_kernel_from_another_thread_ends_a_run(sections: dict[str, dict[str, Any]]) -> None:
    kernel = Kernel.from_profile("balanced", **sections)
    fill(kernel, 3)
    inside, done = threading.Event(), []

    def handler(event: Any) -> None:
        inside.set()
        time.sleep(0.2)
        done.append(event.id)

    results: list[int] = []
    subscription = kernel.subscribe(Query(), name="a")
    thread = threading.Thread(target=lambda: results.append(subscription.run(handler)))
    thread.start()
    assert inside.wait(30)
    kernel.close()
    thread.join(30)
    assert results == [len(done)] == [1]
    assert subscription.position == 1


# --- partitions


@pytest.mark.parametrize("by", ["correlation", "tag:user"])
def test_partitions_keep_the_order_of_each_key(kernel: Kernel, follow: Follow, dice: Any, by: str) -> None:
    seen: dict[str, list[int]] = defaultdict(list)
    expected: dict[str, list[int]] = defaultdict(list)
    events = []
    for number in range(1, 401):
        users = [f"user:{dice.randrange(6)}" for _ in range(dice.randrange(3))]
        events.append(NewEvent("x", tags=[*set(users), "other:1"], correlation_id=f"c{dice.randrange(8)}"))
        keys = [events[-1].correlation_id] if by == "correlation" else sorted(set(users)) or [""]
        for key in keys:
            expected[key].append(number)
    kernel.append_many(events)
    lock = threading.Lock()
    waits = {number: dice.random() / 1000 for number in range(1, 401)}

    def handler(event: Any) -> None:
        time.sleep(waits[event.id])
        keys = [event.correlation_id] if by == "correlation" else [t for t in event.tags if t[:5] == "user:"] or [""]
        with lock:
            for key in keys:
                seen[key].append(event.id)

    assert follow(Query(), name="a").run(handler, idle_after=0, partitions=4, by=by) == 400
    assert seen == expected


def test_partitions_run_side_by_side_and_the_checkpoint_waits_for_the_slowest(
    kernel: Kernel, wait_until: WaitUntil
) -> None:
    fill(kernel, 20)
    go_on, handled, stop = threading.Event(), [], threading.Event()

    def handler(event: Any) -> None:
        if event.id == 3:
            assert go_on.wait(30)
        handled.append(event.id)

    thread = threading.Thread(
        target=kernel.subscribe(Query(), name="a").run, args=(handler,), kwargs={"partitions": 2, "stop": stop}
    )
    thread.start()
    wait_until(lambda: len(handled) == 19)
    kernel.append("x")
    wait_until(lambda: len(handled) == 20)  # what comes later is not held up either
    wait_until(lambda: kernel.subscriptions.get("a").position == 2)
    go_on.set()
    wait_until(lambda: kernel.subscriptions.get("a").position == 21)
    stop.set()
    thread.join(30)


def test_after_a_pause_partitions_begin_again_behind_the_last_gapless_event(kernel: Kernel) -> None:
    fill(kernel, 30)
    handler, others = Fussy(_3=1), threading.Event()

    def handle(event: Any) -> None:
        if event.id == 3:
            assert others.wait(30)
        handler(event)
        if len(handler.handled) >= 10:
            others.set()

    with pytest.raises(SubscriptionPausedError):
        kernel.subscribe(Query(), name="a").run(handle, idle_after=0, partitions=2)
    assert kernel.subscriptions.get("a").position == 2
    kernel.subscriptions.resume("a")
    kernel.subscribe(Query(), name="a").run(handle, idle_after=0, partitions=2)
    assert set(handler.handled) == set(range(1, 31))
    assert kernel.subscriptions.get("a").position == 30


def test_a_reset_under_partitions_wins(kernel: Kernel) -> None:
    fill(kernel, 300)
    handled, stop = [], threading.Event()

    def handler(event: Any) -> None:
        handled.append(event.id)
        if len(handled) == 150:
            kernel.subscriptions.reset("a", 0)
        time.sleep(0.002)

    assert kernel.subscribe(Query(), name="a").run(handler, idle_after=1, partitions=3, stop=stop) >= 450 - 150
    assert set(handled[150 + 300 :]) <= set(range(1, 301))
    assert handled.count(1) == 2
    assert handled.count(300) >= 1
    assert kernel.subscriptions.get("a").position == 300


@pytest.mark.parametrize(
    "options",
    [
        {"on_error": "ignore"},
        {"partitions": 0},
        {"partitions": 2, "by": "user"},
        {"partitions": 2, "by": "tag:"},
        {"idle_after": "1"},
        {"stop": 5},
    ],
)
def test_what_cannot_be_meant_is_refused(kernel: Kernel, options: dict[str, Any]) -> None:
    with pytest.raises(SubscriptionError):
        kernel.subscribe(Query(), name="a").run(print, **options)


def test_handlers_that_cannot_be_called_are_refused(kernel: Kernel) -> None:
    async def handler(event: Any) -> None: ...

    for wrong in (handler, None):
        with pytest.raises(SubscriptionError):
            kernel.subscribe(Query(), name="a").run(wrong)
    with pytest.raises(SubscriptionError, match="without a name"):
        kernel.subscribe(Query()).run(print, on_error="dead-letter")


def test_a_handler_that_returns_a_coroutine_has_not_handled_anything(kernel: Kernel) -> None:
    async def handler(event: Any) -> None: ...

    fill(kernel, 2)
    with pytest.raises(SubscriptionPausedError, match="returned a coroutine, which nobody would await"):
        kernel.subscribe(Query(), name="a").run(lambda event: handler(event), idle_after=0)
    assert kernel.subscriptions.get("a").position == 0


def test_dead_letters_are_named_by_the_ids_of_their_events(kernel: Kernel) -> None:
    fill(kernel, 2)
    kernel.subscribe(Query(), name="a").run(lambda event: 1 / 0, on_error="dead-letter", idle_after=0)
    for method in (kernel.subscriptions.dead_letters, kernel.subscriptions.retry, kernel.subscriptions.drop):
        for wrong in (1, "1", ["1"]):
            with pytest.raises(SubscriptionError, match="ids are those of events"):
                method("a", wrong)
    assert [letter.event_id for letter in kernel.subscriptions.retry("a", [2, 7])] == [2]


@pytest.mark.parametrize("on_error", ["pause", "dead-letter"])
def test_a_handler_that_meets_the_closed_kernel_is_called_again_and_pauses_nothing(
    sections: dict[str, dict[str, Any]], on_error: str
) -> None:
    inside, closing = threading.Event(), threading.Event()
    kernel = Kernel.from_profile(**sections)
    fill(kernel, 2)

    def handler(event: Any) -> None:
        inside.set()
        closing.wait(30)
        raise StoreClosedError("as an append says meanwhile")

    subscription = kernel.subscribe(Query(), name="a")
    running = threading.Thread(target=subscription.run, args=(handler,), kwargs={"on_error": on_error})
    running.start()
    assert inside.wait(30)
    subscription.close()
    closing.set()
    running.join(30)
    status = kernel.subscriptions.get("a")
    assert (status.state, status.position, status.error, status.dead_letters) == ("stopped", 0, None, 0)
    kernel.close()
