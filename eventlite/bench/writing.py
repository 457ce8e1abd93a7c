"""Workloads that append."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from eventlite.bench.rounds import Rounds, timed
from eventlite.bench.stage import Stage
from eventlite.bench.workload import Workload
from eventlite.event import NewEvent
from eventlite.kernel import Kernel

if TYPE_CHECKING:
    from eventlite.aio import AsyncKernel

#: Tasks that append at once.
TASKS = 64

#: Events of one `append_many`.
BATCH = 100


def append_each(kernel: Kernel, events: Iterable[NewEvent]) -> int:
    """Append one after the other, each in its own call."""
    appended = 0
    for event in events:
        kernel.append(
            event.cmd,
            event.data,
            user=event.user,
            ip=event.ip,
            version=event.version,
            metadata=event.metadata,
            tags=event.tags,
            correlation_id=event.correlation_id,
        )
        appended += 1
    return appended


def append_all(kernel: Kernel, events: Iterable[NewEvent]) -> int:
    """Append in bulk."""
    return kernel.append_bulk(events).count


def one_by_one(stage: Stage) -> Rounds:
    """Each event in an append of its own."""
    with stage.fresh() as kernel:
        while True:
            yield timed(append_each, kernel, stage.events(stage.scale.appends))


def one_by_one_tagged(stage: Stage) -> Rounds:
    """As `one_by_one`, every event with two tags."""
    with stage.fresh() as kernel:
        while True:
            yield timed(append_each, kernel, tagged(stage.events(stage.scale.appends)))


def many(stage: Stage) -> Rounds:
    """Batches of `BATCH`, all or nothing."""
    with stage.fresh() as kernel:
        while True:
            yield timed(_append_batches, kernel, shares(stage.events(10 * stage.scale.appends), BATCH))


def bulk(stage: Stage) -> Rounds:
    """A load into a new store."""
    yield from load(stage, stage.events)


def bulk_tagged(stage: Stage) -> Rounds:
    """A load into a new store, every event with two tags."""
    yield from load(stage, lambda amount: tagged(stage.events(amount)))


def from_threads(stage: Stage, threads: int) -> Rounds:
    """Threads that append at once, each event by event."""
    with stage.fresh() as kernel, ThreadPoolExecutor(threads) as pool:
        while True:
            work = deal(stage.events(max(threads, 4 * stage.scale.appends)), threads)
            yield timed(lambda work: sum(pool.map(partial(append_each, kernel), work)), work)


def from_tasks(stage: Stage) -> Rounds:
    """Tasks of one event loop that append at once, each event by event."""
    with asyncio.Runner() as runner, _opened(stage, runner) as kernel:
        while True:
            work = deal(stage.events(max(TASKS, 8 * stage.scale.appends)), TASKS)
            yield timed(lambda work: runner.run(_append_in_tasks(kernel, work)), work)


def tagged(events: list[NewEvent]) -> list[NewEvent]:
    """The events with two tags each: one that ten of them share, and one that many do."""
    for event in events:
        event.tags = (f"order:{event.data['order'] if event.data else ''}", f"user:{event.user}")
    return events


def shares(events: list[NewEvent], size: int) -> list[list[NewEvent]]:
    """The events in lists of at most `size`."""
    return [events[start : start + size] for start in range(0, len(events), size)]


def deal(events: list[NewEvent], hands: int) -> list[list[NewEvent]]:
    """The events dealt out to so many, as equally as can be."""
    return [events[start::hands] for start in range(hands)]


def load(stage: Stage, make: Callable[[int], list[NewEvent]]) -> Rounds:
    """Loads of what `make` makes, so many events each, into new stores."""
    while True:
        events = make(stage.scale.events)
        with stage.fresh() as kernel:
            measured = timed(append_all, kernel, events)
        del events  # they are many, and others have their turn now
        yield measured


def _append_batches(kernel: Kernel, batches: list[list[NewEvent]]) -> int:
    return sum(len(kernel.append_many(batch)) for batch in batches)


@contextmanager
def _opened(stage: Stage, runner: asyncio.Runner) -> Iterator[AsyncKernel]:
    from eventlite.aio import AsyncKernel

    with stage.store() as sections:
        kernel = runner.run(AsyncKernel.from_profile(stage.profile, **sections).open())
        try:
            yield kernel
        finally:
            runner.run(kernel.close())


async def _append_in_tasks(kernel: AsyncKernel, work: list[list[NewEvent]]) -> int:
    return sum(await asyncio.gather(*(_append_each(kernel, events) for events in work)))


async def _append_each(kernel: AsyncKernel, events: list[NewEvent]) -> int:
    for event in events:
        await kernel.append(
            event.cmd,
            event.data,
            user=event.user,
            ip=event.ip,
            version=event.version,
            metadata=event.metadata,
            tags=event.tags,
            correlation_id=event.correlation_id,
        )
    return len(events)


WORKLOADS = (
    Workload("append", "events", "one append after the other", one_by_one),
    Workload("append-threads-8", "events", "8 threads appending at once", partial(from_threads, threads=8)),
    Workload("append-threads", "events", "64 threads appending at once", partial(from_threads, threads=64)),
    Workload("append-tasks", "events", f"{TASKS} asyncio tasks appending at once", from_tasks),
    Workload("append-many", "events", f"batches of {BATCH}, each all or nothing", many),
    Workload("append-tagged", "events", "one append after the other, two tags each", one_by_one_tagged),
    Workload("bulk", "events", "append_bulk into a new store", bulk),
    Workload("bulk-tagged", "events", "append_bulk into a new store, two tags each", bulk_tagged),
)
