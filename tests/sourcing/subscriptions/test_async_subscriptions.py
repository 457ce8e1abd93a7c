"""What only asyncio has: a loop to keep free, tasks to cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from eventlite import AsyncKernel, InvalidQueryError, NewEvent, Query, SubscriptionError

Run = Callable[..., Any]


def test_a_loop_follows_while_others_append(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        async def append() -> None:
            for n in range(50):
                await kernel.append("x", {"n": n})

        appending = asyncio.create_task(append())
        seen = []
        async with kernel.subscribe(Query(), name="a") as subscription:
            assert subscription.name == "a"
            async for event in subscription:
                seen.append(event.data["n"])
                if len(seen) == 50:
                    break
        assert seen == list(range(50))
        assert (await kernel.subscriptions.get("a")).position == 49
        await appending

    run_async(scenario)


def test_waiting_and_handling_leave_the_loop_free(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(20)])
        longest, stop = 0.0, asyncio.Event()

        async def watch() -> None:
            nonlocal longest
            while not stop.is_set():
                began = time.monotonic()
                await asyncio.sleep(0.001)
                longest = max(longest, time.monotonic() - began)

        ticks = 0

        async def handler(event: Any) -> None:
            nonlocal ticks
            await asyncio.sleep(0.01)
            ticks += 1

        watching = asyncio.create_task(watch())
        many = [kernel.subscribe(Query(), name=f"n{n}") for n in range(12)]  # more than a pool has threads
        running = [asyncio.create_task(each.run(handler, stop=stop)) for each in many]
        while ticks < 12 * 20:
            await asyncio.sleep(0.01)
        assert await kernel.count() == 20  # reads are not held up
        stop.set()
        assert await asyncio.gather(*running) == [20] * 12
        await watching
        print(f"the loop was held up for {longest * 1000:.0f} ms at most")

    run_async(scenario)


def test_a_task_that_is_cancelled_in_a_loop_gives_its_name_back(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(3)])
        seen: list[int] = []

        async def follow() -> None:
            async for event in kernel.subscribe(Query(), name="a"):
                seen.append(event.id)

        following = asyncio.create_task(follow())
        while seen != [1, 2, 3]:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following
        status = await kernel.subscriptions.get("a")
        assert (status.position, status.state) == (3, "stopped")

    run_async(scenario)


@pytest.mark.parametrize("partitions", [1, 3])
def test_a_run_that_is_cancelled_cancels_its_handlers_and_counts_none_of_them(run_async: Run, partitions: int) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(6)])
        inside, cancelled = asyncio.Event(), []

        async def handler(event: Any) -> None:
            if event.id < 3:
                return
            if event.id == 3:
                inside.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(event.id)
                raise

        running = asyncio.create_task(kernel.subscribe(Query(), name="a").run(handler, partitions=partitions))
        await inside.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert 3 in cancelled
        status = await kernel.subscriptions.get("a")
        assert status.state == "stopped"
        assert status.position == 2 if partitions == 1 else status.position <= 2  # the first two may be cancelled too

    run_async(scenario)


def test_closing_ends_a_loop_in_another_task(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        subscription = kernel.subscribe(Query())

        async def follow() -> list[Any]:
            return [event async for event in subscription]

        following = asyncio.create_task(follow())
        await asyncio.sleep(0.1)
        await subscription.close()
        assert await following == []

    run_async(scenario)


def test_closing_the_kernel_ends_loops_and_runs(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        async def handler(event: Any) -> None: ...

        async def follow() -> list[Any]:
            return [event async for event in kernel.subscribe(Query(), name="a")]

        tasks = [asyncio.create_task(follow()), asyncio.create_task(kernel.subscribe(Query(), name="b").run(handler))]
        await asyncio.sleep(0.1)
        await kernel.close()
        assert await asyncio.gather(*tasks) == [[], 0]

    run_async(scenario)


def test_what_is_refused_is_raised_at_the_first_use(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        with pytest.raises(InvalidQueryError):
            await anext(kernel.subscribe("x"))  # type: ignore[arg-type]
        with pytest.raises(SubscriptionError):
            await kernel.subscribe(Query(), name="").run(print)
        with pytest.raises(SubscriptionError):
            await kernel.subscribe(Query()).run(print, on_error="dead-letter")

    run_async(scenario)


def test_plain_handlers_are_called_on_the_loop(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append("x")
        loops = []
        subscription = kernel.subscribe(Query(), name="a")
        assert await subscription.run(lambda event: loops.append(asyncio.get_running_loop()), idle_after=0) == 1
        assert loops == [asyncio.get_running_loop()]

    run_async(scenario)


def test_handlers_that_never_wait_leave_others_on_the_loop_their_turn(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(400)])
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        running = asyncio.create_task(other())
        seen: list[int] = []

        def handler(event: Any) -> None:
            seen.append(turns)
            time.sleep(0.001)

        assert await kernel.subscribe(Query(), name="a").run(handler, idle_after=0) == 400
        running.cancel()
        assert len(set(seen)) > 10  # all 400 were one batch

    run_async(scenario)


def test_a_run_that_is_cancelled_while_it_waits_to_try_again_ends(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(3)])
        tried = 0

        async def handler(event: Any) -> None:
            nonlocal tried
            if event.id == 2:
                tried += 1
                raise ValueError("not yet")

        running = asyncio.create_task(kernel.subscribe(Query(), name="a").run(handler, on_error="retry"))
        while tried < 3:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        status = await kernel.subscriptions.get("a")
        assert (status.state, status.position, status.error) == ("stopped", 1, "ValueError: not yet")
        before = tried
        await asyncio.sleep(0.5)
        assert tried == before

    run_async(scenario)


def test_dead_letters_are_handled_again_on_the_loop_while_it_runs(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(3)])
        mended, handled, stop = False, [], asyncio.Event()

        async def handler(event: Any) -> None:
            await asyncio.sleep(0)
            if event.id == 2 and not mended:
                raise ValueError("not yet")
            handled.append((event.id, asyncio.get_running_loop()))

        following = kernel.subscribe(Query(), name="a")
        running = asyncio.create_task(following.run(handler, on_error="dead-letter", stop=stop))
        while len(handled) < 2:
            await asyncio.sleep(0.01)
        mended = True
        await kernel.subscriptions.retry("a")
        while len(handled) < 3:
            await asyncio.sleep(0.01)
        stop.set()
        assert await running == 3
        loop = asyncio.get_running_loop()
        assert handled == [(1, loop), (3, loop), (2, loop)]
        assert await kernel.subscriptions.dead_letters("a") == []

    run_async(scenario)


def test_closing_lets_the_handler_finish_and_counts_its_event(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append_many([NewEvent("x") for _ in range(3)])
        inside, go_on = asyncio.Event(), asyncio.Event()

        async def handler(event: Any) -> None:
            inside.set()
            await go_on.wait()

        subscription = kernel.subscribe(Query(), name="a")
        running = asyncio.create_task(subscription.run(handler))
        await inside.wait()
        await subscription.close()
        assert (await kernel.subscriptions.get("a")).state == "running"
        go_on.set()
        assert await running == 1
        status = await kernel.subscriptions.get("a")
        assert (status.state, status.position) == ("stopped", 1)

    run_async(scenario)


def test_what_cannot_be_called_is_refused(run_async: Run) -> None:
    async def scenario(kernel: AsyncKernel) -> None:
        await kernel.append("x")
        with pytest.raises(SubscriptionError, match="a handler must be a function"):
            await kernel.subscribe(Query(), name="a").run(5)  # type: ignore[arg-type]
        with pytest.raises(SubscriptionError, match="partitions must be an int"):
            await kernel.subscribe(Query(), name="a").run(print, partitions=0)
        with pytest.raises(SubscriptionError, match="stop must be an event"):
            await kernel.subscribe(Query(), name="a").run(print, stop=5)  # type: ignore[arg-type]
        assert await kernel.subscriptions.list() == []

    run_async(scenario)
