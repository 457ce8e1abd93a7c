"""A subscription for asyncio. Nothing is decided here: the subscription's own code runs in a thread of its own."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from eventlite.sourcing.subscriptions.ending import Signal
from eventlite.sourcing.subscriptions.handling import InterruptedHandlingError
from eventlite.sourcing.subscriptions.subscription import checked_handler, checked_partitions, checked_stop

if TYPE_CHECKING:
    from eventlite.event import Event
    from eventlite.sourcing.subscriptions.handling import Handling
    from eventlite.sourcing.subscriptions.subscription import Subscription

_T = TypeVar("_T")

#: Seconds for which handlers that never wait may keep the loop.
TURN = 0.005


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

    async def run(
        self,
        handler: Callable[[Event], Any],
        *,
        on_error: str = "pause",
        stop: Signal | None = None,
        idle_after: float | None = None,
        partitions: int = 1,
        by: str = "correlation",
    ) -> int:
        """As `Subscription.run`, with a handler that may be async; it is called on this loop.

        When the task is cancelled, so are the handlers.
        """
        subscription = await self._subscription()
        bridge = _Bridge(checked_handler(handler), checked_stop(stop))
        if checked_partitions(partitions) == 1:
            with subscription.running_here():
                return await self._run_in_order(subscription, bridge, on_error, idle_after)
        options: dict[str, Any] = {"on_error": on_error, "idle_after": idle_after, "partitions": partitions, "by": by}
        return await self._run_in_thread(partial(subscription.run, bridge, stop=bridge, **options), bridge)

    async def _run_in_order(
        self, subscription: Subscription, bridge: _Bridge, on_error: str, idle_after: float | None
    ) -> int:
        """Batches come from the thread, and their events are handled here; what may block is done in the thread."""
        ending = subscription.ending(bridge, idle_after)
        handling = subscription.handling(bridge, on_error, ending)
        batches = subscription.batches(ending)
        handled, turn = 0, _Turn()
        try:
            while (batch := await self._call(next, batches, None)) is not None:
                for event in subscription.acknowledged(batch, ending):
                    await self._handle(handling, bridge, event)
                    handled += 1
                    if turn.over():
                        await self._pause(handling)
                await self._pause(handling)
        except InterruptedHandlingError:
            pass
        except asyncio.CancelledError:
            bridge.cancel()  # the thread may be about to try an event again
            raise
        finally:
            await self._call(batches.close)
        return handled

    async def _handle(self, handling: Handling, bridge: _Bridge, event: Event) -> None:
        try:
            await bridge.call(event)
        except Exception as error:
            await self._call(handling.recover, event, error)

    async def _pause(self, handling: Handling) -> None:
        """Let others on this loop have their turn."""
        if handling.wants_to_look():
            await self._call(handling.look_after_dead_letters)
        else:
            await asyncio.sleep(0)

    async def _run_in_thread(self, run: Callable[..., int], bridge: _Bridge) -> int:
        running = asyncio.ensure_future(self._call(run))
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


class _Turn:
    """The time for which events are handled before others on the loop have theirs."""

    def __init__(self) -> None:
        self._until = monotonic() + TURN

    def over(self) -> bool:
        """Whether it is; then the next begins."""
        now = monotonic()
        if now < self._until:
            return False
        self._until = now + TURN
        return True


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

    async def call(self, event: Event) -> None:
        """Call the handler, on the loop."""
        result = self._handler(event)
        if inspect.isawaitable(result):
            await result

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
            await self.call(event)
        finally:
            self._handling.discard(task)
