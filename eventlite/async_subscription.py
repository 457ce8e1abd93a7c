"""A subscription for asyncio. Nothing is decided here: the subscription's own code runs in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from eventlite.sourcing.ending import Signal
from eventlite.sourcing.handling import InterruptedHandlingError

if TYPE_CHECKING:
    from eventlite.event import Event
    from eventlite.sourcing.subscription import Subscription

_T = TypeVar("_T")


class AsyncSubscription:
    """As `Subscription`: iterate with `async for`, or await `run`; close it, or use it in `async with`."""

    def __init__(self, subscribe: Callable[[], Subscription]) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="eventlite-subscription")
        self._made: Future[Subscription] = self._thread.submit(subscribe)
        self._items: AsyncGenerator[Event, None] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        """As iterating over a `Subscription`."""
        return self._items or self.events()

    async def __anext__(self) -> Event:
        """The next event; waits for it."""
        self._items = self._items or self.events()
        return await anext(self._items)

    async def events(
        self, *, stop: Signal | None = None, idle_after: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """As `Subscription.events`."""
        subscription = await self._subscription()
        ending = subscription.ending(stop, idle_after)
        batches = subscription.batches(ending)
        try:
            while (batch := await self._call(next, batches, None)) is not None:
                for event in subscription.acknowledged(batch, ending):
                    yield event
        finally:
            await self._call(batches.close)

    async def run(self, handler: Callable[[Event], Any], *, stop: Signal | None = None, **options: Any) -> int:
        """As `Subscription.run`, with a handler that may be async; it is called on this loop.

        When the task is cancelled, so are the handlers.
        """
        subscription = await self._subscription()
        bridge = _Bridge(handler, stop)
        running = asyncio.ensure_future(self._call(partial(subscription.run, bridge, stop=bridge, **options)))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            bridge.cancel()
            await asyncio.wait([running])
            raise

    async def close(self) -> None:
        """As `Subscription.close`."""
        subscription = await self._subscription()
        await asyncio.to_thread(subscription.close)

    async def __aenter__(self) -> Self:
        await self._subscription()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def name(self) -> str:
        """Its name, "" without one."""
        return self._made.result().name

    @property
    def position(self) -> int:
        """As `Subscription.position`."""
        return self._made.result().position

    async def _subscription(self) -> Subscription:
        return await asyncio.wrap_future(self._made)

    async def _call(self, function: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(function, *args))


class _Bridge:
    """Called with an event in another thread: has the handler called on the loop, and waits for it there."""

    def __init__(self, handler: Callable[[Event], Any], stop: Signal | None) -> None:
        self._handler = handler
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._handling: set[asyncio.Task[None]] = set()
        self._cancelled = False

    def __call__(self, event: Event) -> None:
        if self._cancelled:
            raise InterruptedHandlingError
        try:
            asyncio.run_coroutine_threadsafe(self._handle(event), self._loop).result()
        except CancelledError:
            raise InterruptedHandlingError from None

    def is_set(self) -> bool:
        """Whether the run is to stop."""
        return self._cancelled or (self._stop is not None and self._stop.is_set())

    def cancel(self) -> None:
        """Cancel the handlers that run, and begin none."""
        self._cancelled = True
        for handling in self._handling:
            handling.cancel()

    async def _handle(self, event: Event) -> None:
        if self._cancelled:
            raise asyncio.CancelledError
        task = asyncio.current_task()
        assert task is not None
        self._handling.add(task)
        try:
            result = self._handler(event)
            if inspect.isawaitable(result):
                await result
        finally:
            self._handling.discard(task)
