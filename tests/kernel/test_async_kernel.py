"""What only the asynchronous twin has: a loop to keep free, tasks to cancel, an opening of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from eventlite import (
    AsyncKernel,
    Condition,
    ConflictError,
    EventLiteError,
    InvalidEventError,
    InvalidQueryError,
    NewEvent,
    Query,
    StoreClosedError,
)
from eventlite.aio import WORKERS


@pytest.fixture
def open_kernel(tmp_path: Path) -> Callable[..., AsyncKernel]:
    def make(**storage: Any) -> AsyncKernel:
        return AsyncKernel.from_profile("balanced", storage={"path": str(tmp_path / "a.db"), **storage})

    return make


def run(test: Callable[[], Any]) -> Any:
    return asyncio.run(asyncio.wait_for(test(), 60))


def test_nothing_is_touched_before_the_kernel_is_opened(open_kernel, tmp_path: Path) -> None:
    kernel = open_kernel()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreClosedError, match="not open"):
        run(lambda: kernel.append("x"))


def test_it_can_be_opened_and_closed_by_hand_and_again(open_kernel) -> None:
    async def scenario() -> None:
        kernel = await open_kernel().open()
        await kernel.append("x")
        await kernel.close()
        await kernel.close()
        await kernel.open()
        assert await kernel.head() == 1
        await kernel.close()

    run(scenario)


def test_tasks_that_append_together_each_get_their_own_event(open_kernel) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            events = await asyncio.gather(*(kernel.append("x", {"n": n}) for n in range(300)))
            assert [event.data["n"] for event in events] == list(range(300))
            assert sorted(event.id for event in events) == list(range(1, 301))
            assert [event async for event in kernel.read()] == sorted(events, key=lambda event: event.id)

    run(scenario)


def test_each_task_is_refused_alone(open_kernel) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            first = Condition(Query(tags=["seat:1"]))
            seats = (kernel.append("taken", {"by": n}, tags=["seat:1"], condition=first) for n in range(50))
            outcomes = await asyncio.gather(*seats, return_exceptions=True)
            assert len([outcome for outcome in outcomes if isinstance(outcome, ConflictError)]) == 49
            with pytest.raises(InvalidEventError):
                await kernel.append("x", {"bad": {1}})
            assert await kernel.count() == 1

    run(scenario)


def test_a_batch_is_all_or_nothing(open_kernel) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            assert await kernel.append_many([]) == []
            parent = NewEvent("a")
            stored = await kernel.append_many([parent, NewEvent("b", cause=parent)])
            assert stored[1].causation_id == stored[0].id
            with pytest.raises(InvalidEventError, match="event 1 of the batch"):
                await kernel.append_many([NewEvent("c"), NewEvent("")])
            assert await kernel.head() == 2

    run(scenario)


def test_the_loop_stays_free_under_load(open_kernel) -> None:
    """While tasks append, read and verify, a ticker on the loop goes on; a call that blocks would stop it."""
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    async def scenario() -> None:
        async with open_kernel() as kernel:
            await kernel.append_bulk([NewEvent("x", {"n": n}) for n in range(20_000)])
            ticker = asyncio.create_task(tick())

            async def read_all() -> None:
                assert len([event async for event in kernel.read()]) == 40_000

            async def append_often() -> None:
                for _ in range(10):
                    await asyncio.gather(*(kernel.append("z") for _ in range(100)))

            for slow in (kernel.verify, lambda: kernel.append_bulk([NewEvent("y")] * 20_000), read_all, append_often):
                before = ticks
                await slow()
                assert ticks > before
            ticker.cancel()

    run(scenario)


def test_a_bulk_append_takes_an_async_iterable(open_kernel) -> None:
    async def numbers() -> AsyncIterator[NewEvent]:
        for n in range(25):
            await asyncio.sleep(0)
            yield NewEvent("x", {"n": n})
        raise RuntimeError("the source broke")

    async def none() -> AsyncIterator[NewEvent]:
        return
        yield

    async def scenario() -> None:
        async with open_kernel() as kernel:
            assert (await kernel.append_bulk(none())).count == 0
            with pytest.raises(RuntimeError, match="the source broke") as caught:
                await kernel.append_bulk(numbers(), batch_size=10)
            assert caught.value.report.count == 20
            assert [event.data["n"] async for event in kernel.read()] == list(range(20))
            with pytest.raises(InvalidQueryError):
                await kernel.append_bulk(numbers(), batch_size=0)

    run(scenario)


def test_a_cancelled_bulk_append_asks_for_no_more(open_kernel) -> None:
    waiting, released = asyncio.Event(), []

    async def endless() -> AsyncIterator[NewEvent]:
        try:
            for _ in range(10):
                yield NewEvent("x")
            waiting.set()
            await asyncio.Event().wait()
        finally:
            released.append(True)

    async def scenario() -> None:
        async with open_kernel() as kernel:
            appending = asyncio.create_task(kernel.append_bulk(endless(), batch_size=5))
            await waiting.wait()
            appending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await appending
            assert await kernel.count() == 10
        assert released == [True]

    run(scenario)


def test_a_writer_that_waits_for_another_does_not_hold_up_the_loop(open_kernel, tmp_path: Path) -> None:
    import sqlite3

    async def scenario() -> None:
        async with open_kernel(busy_timeout=20.0) as kernel:
            await kernel.append("x")
            other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            stuck = asyncio.create_task(kernel.append("y"))
            await asyncio.sleep(0.05)
            assert [event.cmd async for event in kernel.read()] == ["x"]  # reads never wait for a writer
            assert not stuck.done()
            other.execute("ROLLBACK")
            other.close()
            assert (await stuck).id == 2

    run(scenario)


def test_a_cancelled_append_leaves_a_kernel_that_works(open_kernel, tmp_path: Path) -> None:
    import sqlite3

    async def scenario() -> None:
        async with open_kernel(busy_timeout=20.0) as kernel:
            await kernel.append("x")
            other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            in_flight = asyncio.create_task(kernel.append("y", key="y-1"))
            await asyncio.sleep(0.05)
            waiting = asyncio.create_task(kernel.append("z", key="z-1"))
            await asyncio.sleep(0)
            waiting.cancel()
            in_flight.cancel()
            with pytest.raises(asyncio.CancelledError) as unknown:
                await in_flight
            assert "same `key`" in unknown.value.__notes__[0]
            with pytest.raises(asyncio.CancelledError):
                await waiting
            other.execute("ROLLBACK")
            other.close()
            again = await kernel.append("y", key="y-1")  # finds out: it was committed, and is not stored twice
            assert [event async for event in kernel.read(Query(cmd="y"))] == [again]
            assert await kernel.count(Query(cmd="z")) == 0  # it had not left the queue

    run(scenario)


def test_more_tasks_than_the_queue_holds_all_get_through(open_kernel) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            kernel._queue._max_waiting = 10
            events = await asyncio.gather(*(kernel.append("x", {"n": n}) for n in range(200)))
            assert sorted(event.id for event in events) == list(range(1, 201))

    run(scenario)


def test_closing_finishes_what_was_accepted(open_kernel) -> None:
    async def scenario() -> None:
        kernel = await open_kernel().open()
        tasks = [asyncio.create_task(kernel.append("x")) for _ in range(20)]
        await asyncio.sleep(0)
        await kernel.close()
        assert len({(await task).id for task in tasks}) == 20
        with pytest.raises(StoreClosedError):
            await kernel.append("x")

    run(scenario)


def test_an_iterator_ends_at_the_head_of_its_call(open_kernel) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            await kernel.append_many([NewEvent("x")] * 3)
            events = kernel.read()
            batches = kernel.stream(batch_size=2)
            time.sleep(0.05)  # both have asked for the head by now, in threads of their own
            await kernel.append("y")
            assert len([event async for event in events]) == 3
            assert [len(batch) async for batch in batches] == [2, 1]

    run(scenario)


def test_jobs_are_awaited_but_registering_is_plain(open_kernel) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            done = []

            @kernel.jobs.worker("note")
            def note(job: Any) -> None:
                done.append(job.data["n"])

            await kernel.jobs.on_event("x", "note", lambda event: {"n": event.data["n"]})
            await kernel.append("x", {"n": 7})
            assert await kernel.jobs.run_until_idle() == 1
            assert done == [7]
            assert kernel.jobs.stats()["done"] == 1
            assert kernel.cache.stats().max_size == 1000
            await kernel.cache.clear()
            await kernel.upcast("x", 1, lambda data: {**data, "lifted": True})
            assert (await kernel.get(1)).data == {"n": 7, "lifted": True}

    run(scenario)


def test_reads_end_at_the_head_of_their_call_however_late_they_learn_it(open_kernel, monkeypatch) -> None:
    async def scenario() -> None:
        async with open_kernel() as kernel:
            head, never = kernel.storage.head, threading.Event()
            monkeypatch.setattr(kernel.storage, "head", lambda: never.wait(0.1) or head())
            reading = kernel.read()
            await kernel.append("x")
            streaming = kernel.stream()
            await kernel.append_bulk([NewEvent("y")])
            assert [event async for event in reading] == []
            assert [[event.cmd for event in batch] async for batch in streaming] == [["x"]]

    run(scenario)


def test_what_is_not_open_says_so(open_kernel) -> None:
    async def scenario() -> None:
        kernel = open_kernel()
        for touch in (lambda: kernel.read(), lambda: kernel.jobs, lambda: kernel.indexes):
            with pytest.raises(StoreClosedError, match="not open"):
                touch()
        await kernel.open()
        with pytest.raises(EventLiteError, match="open already"):
            await kernel.open()
        await kernel.append_bulk([NewEvent("x")] * 2000)
        events = kernel.read()
        assert (await anext(events)).id == 1
        await kernel.close()
        with pytest.raises(StoreClosedError, match="closed before"):
            [event async for event in events]

    run(scenario)


def test_long_work_does_not_keep_reads_waiting(open_kernel) -> None:
    """As many jobs as there are threads for work wait for a read that the test makes meanwhile."""
    import threading

    read = threading.Event()

    async def scenario() -> None:
        async with open_kernel() as kernel:
            event = await kernel.append("x")
            long = [
                asyncio.create_task(kernel.process(Query(), lambda batch: read.wait(30), batch_size=1))
                for _ in range(WORKERS)
            ]
            await asyncio.sleep(0.05)
            assert await kernel.get(event.id) == event
            read.set()
            assert [report.processed for report in await asyncio.gather(*long)] == [1] * WORKERS

    run(scenario)


def test_run_goes_on_until_it_is_stopped_or_cancelled(tmp_path: Path) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        async with AsyncKernel.from_profile(storage={"path": str(tmp_path / "run.db")}) as kernel:
            for end in ("stop", "cancel"):
                ran, stop = asyncio.Event(), threading.Event()
                kernel.jobs.worker(end)(lambda job, ran=ran: loop.call_soon_threadsafe(ran.set))
                running = asyncio.create_task(kernel.run(stop))
                await kernel.jobs.enqueue(end)
                await asyncio.wait_for(ran.wait(), 30)
                if end == "stop":
                    stop.set()
                    await asyncio.wait_for(running, 30)
                else:
                    running.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await running
                    assert stop.is_set()

    asyncio.run(scenario())
