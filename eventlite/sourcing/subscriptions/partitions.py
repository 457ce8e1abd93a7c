"""Handlers side by side: those of one key in order, and the checkpoint behind everything that is done."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from eventlite.errors import SubscriptionError
from eventlite.sourcing.subscriptions.checkpoints import MOST_UNSAVED

if TYPE_CHECKING:
    from eventlite.event import Event
    from eventlite.sourcing.subscriptions.batches import Batch
    from eventlite.sourcing.subscriptions.handling import Handling

Keys: TypeAlias = Callable[["Event"], Sequence[str]]


@dataclass(slots=True, eq=False)
class _Task:
    """A position on the way: of an event that is to be handled, or the end of a batch, which is done at once."""

    position: int
    event: Event | None = None
    keys: Sequence[str] = ()
    #: How many earlier tasks with a key of this one are not done, and who waits for this one.
    waits_for: int = 0
    awaited_by: list[_Task] = field(default_factory=list)
    done: bool = False


class Partitions:
    """Threads that handle events. One thread adds them.

    An event begins when every earlier one that shares a key with it is done.
    """

    def __init__(self, handling: Handling, threads: int, keys: Keys) -> None:
        self._handle = handling
        self._checkpoint = handling.checkpoint
        self._keys = keys
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="eventlite-partition")
        self._changed = threading.Condition()
        self._tasks: deque[_Task] = deque()  # in order; the first is not done
        self._last: dict[str, _Task] = {}  # of each key, unless it is done
        self._running = 0
        self._taken: int | None = None  # None: as far as the checkpoint
        self._broken = False
        self._error: BaseException | None = None
        self.handled = 0

    def take(self, batch: Batch) -> None:
        """Handle the events of a batch, at least begin to; raises what a handling raised."""
        for event in batch.events:
            if not self._add(event):
                return
        with self._changed:
            self._append(_Task(batch.end, done=True))
            self._advance()

    def taken(self) -> int:
        """The position up to which events were added."""
        if self._broken:
            self.forget()
        return self._checkpoint.position if self._taken is None else self._taken

    def forget(self) -> None:
        """Wait for those under way; begin again where the checkpoint is. Raises what a handling raised."""
        self._broken = True
        self._drain()
        self._tasks.clear()
        self._last.clear()
        self._broken, self._taken = False, None

    def finish(self) -> None:
        """Wait for everything that was added; raises what a handling raised."""
        with self._changed:
            self._changed.wait_for(lambda: not self._tasks or self._broken)
        self._drain()

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        self._broken = True
        self._pool.shutdown()

    def _add(self, event: Event) -> bool:
        """Whether it was taken; not when the hold is in doubt."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._tasks) < MOST_UNSAVED or self._broken)
            if self._broken or not self._checkpoint.held():
                self._broken = True
                return False
            task = _Task(event.id, event, self._keys(event))
            self._wait_for_earlier(task)
            self._append(task)
            if not task.waits_for:
                self._begin(task)
        return True

    def _wait_for_earlier(self, task: _Task) -> None:
        for key in task.keys:
            if (earlier := self._last.get(key)) is not None:
                earlier.awaited_by.append(task)
                task.waits_for += 1
            self._last[key] = task

    def _append(self, task: _Task) -> None:
        self._tasks.append(task)
        self._taken = task.position

    def _begin(self, task: _Task) -> None:
        self._running += 1
        self._pool.submit(self._run, task)

    def _run(self, task: _Task) -> None:
        assert task.event is not None
        try:
            if self._broken or self._handle.ending.reached() or not self._checkpoint.held():
                self._broken = True
            else:
                self._handle(task.event)
                self._finish(task)
        except BaseException as error:
            self._broken, self._error = True, self._error or error
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _finish(self, task: _Task) -> None:
        with self._changed:
            task.done = True
            self.handled += 1
            for key in task.keys:
                if self._last.get(key) is task:
                    del self._last[key]
            for waiting in task.awaited_by:
                waiting.waits_for -= 1
                if not waiting.waits_for:
                    self._begin(waiting)
            self._advance()

    def _advance(self) -> None:
        """Move the checkpoint to the last position before which everything is done."""
        while self._tasks and self._tasks[0].done:
            self._checkpoint.position = self._tasks.popleft().position

    def _drain(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._running)
        if self._error is not None:
            raise self._error


def keys_of(by: object) -> Keys:
    """How the keys of an event are found: "correlation", or "tag:user" for all its tags that begin with "user:".

    Events without such a tag share one key. Raises `SubscriptionError`.
    """
    if by == "correlation":
        return lambda event: (event.correlation_id,)
    if isinstance(by, str) and by.startswith("tag:") and len(by) > len("tag:"):
        prefix = by.removeprefix("tag:") + ":"
        return lambda event: [tag for tag in event.tags if tag.startswith(prefix)] or [""]
    raise SubscriptionError(f"by is 'correlation' or such as 'tag:user', not {by!r}")
