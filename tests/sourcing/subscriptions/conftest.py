"""Subscriptions of both kinds on every storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from eventlite import AsyncKernel, Kernel


@pytest.fixture
def kernel(sections: dict[str, dict[str, Any]]) -> Iterator[Kernel]:
    """An open synchronous kernel: `follow` is what comes in both kinds."""
    with Kernel.from_profile("balanced", **sections) as opened:
        yield opened


@pytest.fixture
def run_async(sections: dict[str, dict[str, Any]]) -> Callable[..., Any]:
    """Run `scenario(kernel)` with an open `AsyncKernel`, for a minute at most."""

    def run(scenario: Callable[[AsyncKernel], Any]) -> Any:
        async def bounded() -> Any:
            async with AsyncKernel.from_profile("balanced", **sections) as kernel:
                return await asyncio.wait_for(scenario(kernel), 60)

        return asyncio.run(bounded())

    return run


@pytest.fixture(params=["sync", "async"])
def follow(request: pytest.FixtureRequest, kernel: Kernel) -> Callable[..., Any]:
    """Subscribe to the store of `kernel`; the asynchronous subscription is called like the synchronous one."""
    if request.param == "sync":
        yield kernel.subscribe
        return
    loop = asyncio.new_event_loop()
    twin = AsyncKernel.from_profile()
    twin._make = lambda: kernel
    loop.run_until_complete(twin.open())
    yield lambda *args, **kwargs: Blocking(twin.subscribe(*args, **kwargs), loop)
    loop.run_until_complete(twin.close())
    loop.close()


class Blocking:
    """An asynchronous subscription, called like the synchronous one."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)

    def __iter__(self) -> Iterator[Any]:
        return self._blocking(aiter(self._target))

    def events(self, **options: Any) -> Iterator[Any]:
        return self._blocking(self._target.events(**options))

    def run(self, handler: Callable[[Any], Any], **options: Any) -> Any:
        async def awaited(event: Any) -> None:
            await asyncio.sleep(0)
            handler(event)

        return self._wait(self._target.run(awaited, **options))

    def close(self) -> None:
        self._wait(self._target.close())

    def __enter__(self) -> Blocking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _blocking(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        try:
            while True:
                try:
                    yield self._wait(_next(items))
                except StopAsyncIteration:
                    return
        finally:
            if not self._loop.is_closed():  # what a test has left behind is collected later
                self._wait(items.aclose())

    def _wait(self, awaited: Any) -> Any:
        return self._loop.run_until_complete(asyncio.wait_for(awaited, 60))


async def _next(items: AsyncIterator[Any]) -> Any:
    """On the loop, of which an asynchronous iterator that is asked elsewhere would never know."""
    return await anext(items)
