"""How many events a second each way of following handles, beside `stream`, which reads them and nothing more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

from eventlite import AsyncKernel, Event, Kernel, NewEvent, Query

#: Handles every event of a store once: the keywords of its profile, and a name that no other has.
Way: TypeAlias = Callable[[dict[str, Any], str], None]


def rates(profile: str, events: int, rounds: int, place: Path) -> dict[str, float]:
    """Events a second by the name of the way: the median of rounds, in each of which all have their turn."""
    opened: dict[str, Any] = {"profile": profile, "storage": {"path": str(place / "handled")}}
    with Kernel.from_profile(**opened) as kernel:
        kernel.append_bulk(NewEvent("handled", {"n": number}) for number in range(events))
    names = map("follower {}".format, count())
    taken: dict[str, list[float]] = {name: [] for name in WAYS}
    for _ in range(rounds):
        for name, way in WAYS.items():
            began = time.perf_counter()
            way(opened, next(names))
            taken[name].append(time.perf_counter() - began)
    return {name: events / median(seconds) for name, seconds in taken.items()}


def _stream(opened: dict[str, Any], _name: str) -> None:
    with Kernel.from_profile(**opened) as kernel:
        for batch in kernel.stream():
            for event in batch:
                _handle(event)


def _loop(opened: dict[str, Any], name: str) -> None:
    with Kernel.from_profile(**opened) as kernel:
        for event in kernel.subscribe(Query(), name).events(idle_after=0):
            _handle(event)


def _run(opened: dict[str, Any], name: str) -> None:
    with Kernel.from_profile(**opened) as kernel:
        kernel.subscribe(Query(), name).run(_handle, idle_after=0)


def _async_loop(opened: dict[str, Any], name: str) -> None:
    async def follow() -> None:
        async with AsyncKernel.from_profile(**opened) as kernel, kernel.subscribe(Query(), name) as subscription:
            async for event in subscription.events(idle_after=0):
                _handle(event)

    asyncio.run(follow())


def _async_run(opened: dict[str, Any], name: str) -> None:
    async def follow() -> None:
        async with AsyncKernel.from_profile(**opened) as kernel, kernel.subscribe(Query(), name) as subscription:
            await subscription.run(_handle_async, idle_after=0)

    asyncio.run(follow())


def _handle(event: Event) -> None:
    _ = event.data


async def _handle_async(event: Event) -> None:
    _handle(event)


WAYS: dict[str, Way] = {
    "stream": _stream,
    "loop": _loop,
    "run": _run,
    "async loop": _async_loop,
    "async run": _async_run,
}
