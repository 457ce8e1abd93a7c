"""What an async iterable yields, for a thread that iterates as usual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterator
from typing import Any, Generic, TypeVar

_T = TypeVar("_T")

#: Items after which others have their turn on the loop, however little the iterable waits.
_AT_ONCE = 100


class Pulled(Generic[_T]):
    """Made on the event loop, and iterated once by another thread, for which the loop collects `size` items a time."""

    def __init__(self, items: AsyncIterable[_T], size: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._items = aiter(items)
        self._size = size
        self._collecting: asyncio.Task[Any] | None = None
        self._stopped = False

    def __iter__(self) -> Iterator[_T]:
        while some := asyncio.run_coroutine_threadsafe(self._collect(), self._loop).result():
            yield from some

    def stop(self) -> None:
        """Yield no more, however long the next item takes: the thread gets a `CancelledError`. Called on the loop."""
        self._stopped = True
        if self._collecting is not None:
            self._collecting.cancel()

    async def _collect(self) -> list[_T]:
        if self._stopped:
            raise asyncio.CancelledError
        self._collecting = asyncio.current_task()
        some: list[_T] = []
        while len(some) < self._size:
            try:
                some.append(await anext(self._items))
            except StopAsyncIteration:
                break
            if not len(some) % _AT_ONCE:
                await asyncio.sleep(0)
        return some
