"""The kernel for asyncio: the same names, awaited; whatever reads, writes or may take long runs in threads.

Nothing is decided here. A small append is checked and encoded on the loop, since that takes microseconds, and committed
in a thread together with whatever else waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial, wraps
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

from eventlite.append_hooks import left_out
from eventlite.async_pulling import Pulled
from eventlite.async_queue import AsyncWriteQueue
from eventlite.errors import EventLiteError, StoreClosedError
from eventlite.event import Event, NewEvent
from eventlite.kernel import Kernel
from eventlite.query import ALL_EVENTS, Condition, Query
from eventlite.writable import listed

if TYPE_CHECKING:
    from eventlite.async_subscription import AsyncSubscription
    from eventlite.contracts import BulkReport, Cache, Storage
    from eventlite.profile import Profile

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: Threads of one kernel that read, and threads for what may take long: imports, jobs, verification.
READERS = WORKERS = 4

#: Events that are checked and encoded on the loop; a larger batch is, in a thread.
AT_ONCE = 100


def _awaited(
    method: Callable[Concatenate[Kernel, _P], _T],
) -> Callable[Concatenate[AsyncKernel, _P], Coroutine[Any, Any, _T]]:
    """The method, run by a thread that reads."""

    @wraps(method)
    async def call(self: AsyncKernel, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await _in(self._readers, method, self.kernel, *args, **kwargs)

    return call


def _worked(
    method: Callable[Concatenate[Kernel, _P], _T],
) -> Callable[Concatenate[AsyncKernel, _P], Coroutine[Any, Any, _T]]:
    """The method, run by a thread for what may take long, so that reads need not wait for it."""

    @wraps(method)
    async def call(self: AsyncKernel, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        kernel = self.kernel
        if self._starting:
            await self._started()
        return await _in(self._workers, method, kernel, *args, **kwargs)

    return call


def _iterated(
    method: Callable[Concatenate[Kernel, _P], Iterator[_T]], at_once: int
) -> Callable[Concatenate[AsyncKernel, _P], AsyncIterator[_T]]:
    """The method, whose iterator is advanced in the pool, `at_once` items a time.

    It starts at the call, and what is written later waits for that, so that the head it ends at is that of the call.
    """

    @wraps(method)
    def call(self: AsyncKernel, /, *args: _P.args, **kwargs: _P.kwargs) -> AsyncIterator[_T]:
        kernel = self.kernel
        starting = self._readers.submit(method, kernel, *args, **kwargs)
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        return self._iterate(starting, at_once)

    return call


class Done:
    """What a call returns that was done at once: it may be awaited like the others, and need not be."""

    __slots__ = ()

    def __await__(self) -> Generator[None]:
        yield from ()


def _called(
    method: Callable[Concatenate[Kernel, _P], None],
) -> Callable[Concatenate[AsyncKernel, _P], Done]:
    """The method, done at once: it only registers something."""

    @wraps(method)
    def call(self: AsyncKernel, /, *args: _P.args, **kwargs: _P.kwargs) -> Done:
        method(self.kernel, *args, **kwargs)
        return Done()

    return call


def _append_one(
    method: Callable[Concatenate[Kernel, _P], _T],
) -> Callable[Concatenate[AsyncKernel, _P], Coroutine[Any, Any, Event]]:
    """`append` with the signature of the kernel's own."""

    @wraps(method)
    async def call(self: AsyncKernel, /, *args: _P.args, **kwargs: _P.kwargs) -> Event:
        fields: dict[str, Any] = dict(kwargs)
        condition: Condition | None = fields.pop("condition", None)
        event: Callable[..., NewEvent] = NewEvent
        stored = await self._append([event(*args, **fields)], condition)
        if not stored:
            raise left_out()
        return stored[0]

    return call


async def _in(pool: ThreadPoolExecutor, function: Callable[..., _T], *args: Any, **kwargs: Any) -> _T:
    return await asyncio.get_running_loop().run_in_executor(pool, partial(function, *args, **kwargs))


class AsyncComponent:
    """A component of the kernel with its methods awaited; what is named in `plain` is called as it is."""

    def __init__(self, component: object, pool: ThreadPoolExecutor, *plain: str) -> None:
        self._component = component
        self._pool = pool
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._component, name)
        if name in self._plain or not callable(found):
            return found
        return wraps(found)(partial(_in, self._pool, found))


class AsyncCache:
    """The cache, in memory: its calls are plain, and `clear` may be awaited."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def clear(self) -> Done:
        """Forget everything."""
        self._cache.clear()
        return Done()


class AsyncKernel:
    """An open event store for asyncio: use it in `async with`, or `await kernel.open()` and `await kernel.close()`.

    Made by `from_profile`, which touches nothing yet. All its calls belong to the event loop that opened it.
    """

    def __init__(self, profile: str | Path | None, create: bool, sections: Mapping[str, Mapping[str, Any]]) -> None:
        self._make = partial(Kernel.from_profile, profile, create=create, **sections)
        self._kernel: Kernel | None = None
        self._starting: set[Future[Any]] = set()  # iterators that may not know the head yet
        self._readers: ThreadPoolExecutor
        self._workers: ThreadPoolExecutor
        self._queue: AsyncWriteQueue

    @classmethod
    def from_profile(
        cls, profile: str | Path | None = None, *, create: bool = True, **sections: Mapping[str, Any]
    ) -> Self:
        """As `Kernel.from_profile`, which runs when the kernel is opened."""
        return cls(profile, create, sections)

    async def open(self) -> Self:
        """Open the store. Raises what `Kernel.from_profile` raises."""
        if self._kernel is not None:
            raise EventLiteError("the kernel is open already")
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="eventlite-worker")
        try:
            self._kernel = await _in(self._workers, self._make)
        except BaseException:
            self._workers.shutdown(wait=False)
            raise
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="eventlite-reader")
        self._queue = AsyncWriteQueue(self._kernel.commit)
        return self

    async def close(self) -> None:
        """Finish what was accepted and release everything. Closing twice is fine."""
        kernel, self._kernel = self._kernel, None
        if kernel is not None:
            await self._queue.close()
            await _in(self._workers, kernel.close)
            self._workers.shutdown(wait=False)
            self._readers.shutdown(wait=False)

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def kernel(self) -> Kernel:
        """The kernel underneath; raises `StoreClosedError` unless it is open."""
        if self._kernel is None:
            raise StoreClosedError("the kernel is not open", hint="Use `async with`, or `await kernel.open()`.")
        return self._kernel

    @property
    def profile(self) -> Profile:
        """The profile it was opened with."""
        return self.kernel.profile

    @property
    def storage(self) -> Storage:
        """The storage; its calls block."""
        return self.kernel.storage

    @property
    def cache(self) -> AsyncCache:
        """The cache, in memory: its calls are plain, and `clear` may be awaited."""
        return AsyncCache(self.kernel.cache)

    @property
    def indexes(self) -> Any:
        """The `Indexing` component, awaited."""
        return AsyncComponent(self.kernel.indexes, self._workers)

    @property
    def bulk(self) -> Any:
        """The `Bulk` component, awaited; `formats()` is plain."""
        return AsyncComponent(self.kernel.bulk, self._workers, "formats")

    @property
    def jobs(self) -> Any:
        """The `JobDispatcher` component, awaited; `worker()` and `stats()` are plain."""
        return AsyncComponent(self.kernel.jobs, self._workers, "worker", "stats")

    @property
    def waits(self) -> Any:
        """The events that wait for others, awaited."""
        return AsyncComponent(self.kernel.waits, self._workers)

    @property
    def projections(self) -> Any:
        """The projections of the store, awaited."""
        return AsyncComponent(self.kernel.projections, self._workers)

    @property
    def subscriptions(self) -> Any:
        """The `Subscriptions`, awaited."""
        return AsyncComponent(self.kernel.subscriptions, self._workers)

    def subscribe(
        self, query: Query = ALL_EVENTS, name: str | None = None, after: int | None = None
    ) -> AsyncSubscription:
        """As `Kernel.subscribe`; what it refuses is raised at the first use."""
        from eventlite.async_subscription import AsyncSubscription

        return AsyncSubscription(partial(self.kernel.subscribe, query, name, after))

    append = _append_one(Kernel.append)
    append_when = _worked(Kernel.append_when)
    get = _awaited(Kernel.get)
    by_correlation = _awaited(Kernel.by_correlation)
    children = _awaited(Kernel.children)
    lineage = _awaited(Kernel.lineage)
    page = _awaited(Kernel.page)
    count = _awaited(Kernel.count)
    head = _awaited(Kernel.head)
    process = _worked(Kernel.process)
    run_until_idle = _worked(Kernel.run_until_idle)

    @wraps(Kernel.run)
    async def run(self, stop: threading.Event) -> None:
        try:
            await _in(self._workers, Kernel.run, self.kernel, stop)
        except asyncio.CancelledError:
            stop.set()  # the thread is not cancelled with the task
            raise

    decide = _worked(Kernel.decide)
    fold = _awaited(Kernel.fold)
    upcast = _called(Kernel.upcast)
    project = _worked(Kernel.project)
    rebuild = _worked(Kernel.rebuild)
    verify_projection = _worked(Kernel.verify_projection)
    delete_projection = _worked(Kernel.delete_projection)
    project_at = _worked(Kernel.project_at)
    verify = _worked(Kernel.verify)
    import_file = _worked(Kernel.import_file)
    export_file = _worked(Kernel.export_file)
    read = _iterated(Kernel.read, 1000)
    stream = _iterated(Kernel.stream, 1)

    @wraps(Kernel.append_bulk)
    async def append_bulk(
        self, events: Iterable[NewEvent] | AsyncIterable[NewEvent], batch_size: int | None = None
    ) -> BulkReport:
        if not isinstance(events, AsyncIterable):
            return await self._append_bulk(events, batch_size)
        pulled = Pulled(events, batch_size or self.kernel.storage.capabilities.bulk_batch)
        try:
            return await self._append_bulk(pulled, batch_size)
        except asyncio.CancelledError:
            pulled.stop()
            raise

    _append_bulk = _worked(Kernel.append_bulk)

    @wraps(Kernel.append_many)
    async def append_many(self, events: Iterable[NewEvent], condition: Condition | None = None) -> list[Event]:
        batch = listed(events)
        return await self._append(batch, condition) if batch else []

    async def _append(self, events: list[NewEvent], condition: Condition | None) -> list[Event]:
        kernel = self.kernel
        if self._starting:
            await self._started()
        if kernel.hooked or len(events) > AT_ONCE:  # whatever may hold up the loop
            request = await _in(self._workers, kernel.prepare, events, condition)
            return await _in(self._workers, kernel.announce, await self._queue.submit(request))
        return kernel.announce(await self._queue.submit(kernel.prepare(events, condition)))

    async def _started(self) -> None:
        """Wait until every iterator that was made knows where it ends."""
        await _in(self._readers, wait, tuple(self._starting))  # they are in front of this in the pool

    async def _iterate(self, starting: Future[Iterator[_T]], at_once: int) -> AsyncIterator[_T]:
        items = await asyncio.wrap_future(starting)
        while some := await self._next(items, at_once):
            for item in some:
                yield item

    async def _next(self, items: Iterator[_T], at_once: int) -> list[_T]:
        if self._kernel is None:
            raise StoreClosedError("the kernel was closed before its events were read to the end")
        return await _in(self._readers, lambda: list(islice(items, at_once)))
