"""Group commit for tasks: what they append while a commit is under way is committed together next.

Lives on one event loop. A commit runs in a thread of its own, and its outcomes come back in one call per group; the
next group is taken after the tasks that were just answered have run, so that what they append goes with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

from eventlite.contracts.writing import CommitRequest, Committed, Outcome
from eventlite.errors import StoreClosedError

_Waiting: TypeAlias = tuple[CommitRequest, "asyncio.Future[Committed]"]


class AsyncWriteQueue:
    """The one door to a storage's `commit` for the tasks of a loop."""

    def __init__(self, commit: Callable[[Sequence[CommitRequest]], list[Outcome]], *, max_waiting: int = 4096) -> None:
        self._commit = commit
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="eventlite-writer")
        self._waiting: list[_Waiting] = []
        self._max_waiting = max_waiting
        self._no_room: deque[asyncio.Future[None]] = deque()
        self._busy = False
        self._closed = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def submit(self, request: CommitRequest) -> Committed:
        """Commit one request; returns when it is as durable as the storage promises. Raises its refusal.

        A task that is cancelled while its request waits has written nothing; later the outcome is unknown, and a `key`
        finds it out.
        """
        while len(self._waiting) >= self._max_waiting:
            await self._room()
        if self._closed:
            raise StoreClosedError("the kernel is closed")
        waiting: _Waiting = (request, self._loop.create_future())
        self._waiting.append(waiting)
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._take)
        try:
            return await waiting[1]
        except asyncio.CancelledError as error:
            self._cancel(waiting, error)
            raise

    async def close(self) -> None:
        """Refuse what comes from now on, and wait for what was accepted."""
        self._closed = True
        await self._idle.wait()
        self._thread.shutdown()

    async def _room(self) -> None:
        turn = self._loop.create_future()
        self._no_room.append(turn)
        await turn

    def _take(self) -> None:
        """Hand everything that waits to the thread."""
        group, self._waiting = self._waiting, []
        if not group:
            self._busy = False
            self._idle.set()
            return
        while self._no_room:
            turn = self._no_room.popleft()
            if not turn.done():
                turn.set_result(None)
        committing = self._loop.run_in_executor(self._thread, self._commit, [request for request, _ in group])
        committing.add_done_callback(lambda done: self._deliver(group, done))

    def _deliver(self, group: list[_Waiting], done: asyncio.Future[list[Outcome]]) -> None:
        failure = done.exception()
        outcomes: Sequence[Outcome | BaseException] = [failure] * len(group) if failure else done.result()
        for (_, future), outcome in zip(group, outcomes, strict=True):
            if future.done():
                continue  # its task was cancelled
            if isinstance(outcome, Committed):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)
        self._loop.call_soon(self._take)

    def _cancel(self, waiting: _Waiting, error: asyncio.CancelledError) -> None:
        if waiting in self._waiting:
            self._waiting.remove(waiting)
            return
        error.add_note("The append was being committed: append again with the same `key` to find out its outcome.")
