"""Following events: in a loop, or with a handler."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

from eventlite.errors import StoreClosedError, SubscriptionError, shown
from eventlite.sourcing.subscriptions.batches import Batch, Progress, acknowledged, batches
from eventlite.sourcing.subscriptions.ending import Ending, Signal
from eventlite.sourcing.subscriptions.handling import Handler, Handling, InterruptedHandlingError, checked_policy

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.event import Event
    from eventlite.query import Query
    from eventlite.sourcing.subscriptions.checkpoints import Checkpoint


class Subscription:
    """The events of a query, those that are there and then every new one, in order; made by `Kernel.subscribe`.

    Iterate over it, or `run` a handler; one at a time. It holds its name while it is iterated or run: of all
    subscriptions of one name, in any process, one gets events and the others stand by.
    """

    def __init__(self, host: Host, query: Query, name: str, checkpoint: Checkpoint) -> None:
        self._host = host
        self._query = query
        self._checkpoint = checkpoint
        self._closed = threading.Event()
        self._in_use = threading.Lock()
        self._runner = 0  # the thread that is inside `run`
        self._items: Iterator[Event] | None = None
        #: Its name, "" without one.
        self.name = name

    @property
    def position(self) -> int:
        """The id of the last event that is done; of a named one, as far as this process knows."""
        return self._checkpoint.position

    def __iter__(self) -> Iterator[Event]:
        """Every event that is there, then the next one as soon as it comes; ends when the subscription is closed.

        An event is done when the next one is asked for. Who leaves the loop gets the last one again.
        """
        return self._items or self.events()

    def __next__(self) -> Event:
        """The next event; waits for it."""
        self._items = self._items or self.events()
        return next(self._items)

    def events(self, *, stop: Signal | None = None, idle_after: float | None = None) -> Iterator[Event]:
        """As iterating, and ends when `stop` is set or when nothing came for `idle_after` seconds.

        With `idle_after=0` it ends at the present head, or at once when another one holds the name.
        """
        ending = self.ending(stop, idle_after)
        with closing(self.batches(ending)) as found:
            for batch in found:
                yield from self.acknowledged(batch, ending)

    def run(
        self,
        handler: Handler,
        *,
        on_error: str = "pause",
        stop: Signal | None = None,
        idle_after: float | None = None,
        partitions: int = 1,
        by: str = "correlation",
    ) -> int:
        """Call `handler(event)` with every event until it ends, as `events` does; returns how many were handled.

        When the handler raises: `pause` records the error with the subscription, which then stands still, in every
        process, until it is resumed, and raises `SubscriptionPausedError`; `retry` calls it again after 0.1 seconds,
        then after twice as long and so on, up to 30 seconds, for as long as it takes; `dead-letter` keeps the event
        aside with the error and goes on. With `partitions` so many threads call it at once, but events of one
        correlation, or with `by="tag:user"` of one tag that begins with `user:`, one after the other. A stop waits for
        the handler. Raises `SubscriptionError` for arguments that cannot be meant.
        """
        _check_plain(handler)
        handling = self.handling(handler, on_error, self.ending(stop, idle_after))
        with self.running_here():
            if checked_partitions(partitions) == 1:
                return self._run_in_order(handling)
            return self._run_in_partitions(handling, partitions, by)

    def close(self) -> None:
        """End every iteration and run of it, from any thread, and do not wait for a handler; fine to do twice.

        What is done is durable afterwards, and another one may begin. A run does both when its handler returns.
        """
        self._closed.set()
        if not self._runner:
            self._checkpoint.release()

    @property
    def running(self) -> bool:
        """Whether another thread is inside `run`."""
        return self._runner not in (0, threading.get_ident())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Subscription {self.name} at {self.position}>" if self.name else f"<Subscription at {self.position}>"

    # --- what loops and runs are made of

    def ending(self, stop: Signal | None = None, idle_after: float | None = None) -> Ending:
        """For the asynchronous twin: when an iteration ends."""
        if idle_after is not None and (type(idle_after) not in (int, float) or not idle_after >= 0):
            raise SubscriptionError(f"idle_after must be seconds from 0 on, not {shown(idle_after)}")
        return Ending(self._closed, checked_stop(stop), idle_after)

    def batches(self, ending: Ending) -> Generator[Batch, None, None]:
        """For the asynchronous twin: batches whose events are taken by `acknowledged`. Close it in the end."""
        return self._batches(_InOrder(self._checkpoint), ending)

    def acknowledged(self, batch: Batch, ending: Ending) -> Iterator[Event]:
        """The events of a batch, each done when the next one is asked for; blocks nobody."""
        return acknowledged(batch, self._checkpoint, ending)

    def handling(self, handler: Handler, on_error: str, ending: Ending) -> Handling:
        """For the asynchronous twin: a handler, and what is done when it raises."""
        checked_policy(on_error, self.name)
        return Handling(self._host, self.name, checked_handler(handler), on_error, self._checkpoint, ending)

    @contextmanager
    def running_here(self) -> Iterator[None]:
        """For the asynchronous twin: around a run, so that whoever closes it leaves the last save to that."""
        before, self._runner = self._runner, threading.get_ident()
        try:
            yield
        finally:
            self._runner = before

    def _batches(self, progress: Progress, ending: Ending) -> Generator[Batch, None, None]:
        if not self._in_use.acquire(blocking=False):
            raise SubscriptionError(
                f"{self!r} is iterated or run already", hint="Leave that loop first, or subscribe once more."
            )
        try:
            yield from batches(self._host, self._query, self._checkpoint, progress, ending)
            progress.finish()  # while the name is held
        except StoreClosedError:
            if not self._closed.is_set():
                raise
        finally:
            try:
                self._release()
            finally:
                self._in_use.release()

    def _release(self) -> None:
        try:
            self._checkpoint.release()
        except StoreClosedError:
            if not self._closed.is_set():
                raise

    def _run_in_order(self, handling: Handling) -> int:
        handled, attempt = 0, handling.attempt
        with closing(self.batches(handling.ending)) as found, suppress(InterruptedHandlingError):
            for batch in found:
                for event in self.acknowledged(batch, handling.ending):
                    if (error := attempt(event)) is not None:
                        handling.recover(event, error)
                    handled += 1
                    if monotonic() >= handling.look_at:
                        handling.look_after_dead_letters()
                handling.look_after_dead_letters()
        return handled

    def _run_in_partitions(self, handling: Handling, threads: int, by: str) -> int:
        from eventlite.sourcing.subscriptions.partitions import Partitions, keys_of

        partitions = Partitions(handling, threads, keys_of(by))
        found = self._batches(partitions, handling.ending)
        with closing(found), closing(partitions), suppress(InterruptedHandlingError):
            for batch in found:
                partitions.take(batch)
                handling.look_after_dead_letters()
        return partitions.handled


class _InOrder:
    """Events that are done one after the other: what is taken over is done."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._checkpoint = checkpoint

    def taken(self) -> int:
        return self._checkpoint.position

    def forget(self) -> None:
        pass

    def finish(self) -> None:
        pass


def checked_handler(handler: Any) -> Handler:
    """The handler; raises `SubscriptionError` for what cannot be called."""
    if not callable(handler):
        raise SubscriptionError(f"a handler must be a function of an event, not {shown(handler)}")
    return handler  # type: ignore[no-any-return]


def checked_stop(stop: Any) -> Signal | None:
    """What says that it is time to stop; raises `SubscriptionError` for what cannot."""
    if stop is not None and not hasattr(stop, "is_set"):
        raise SubscriptionError(f"stop must be an event of threading or asyncio, not {shown(stop)}")
    return stop  # type: ignore[no-any-return]


def checked_partitions(partitions: Any) -> int:
    """How many partitions; raises `SubscriptionError`."""
    if type(partitions) is not int or not 1 <= partitions <= 1000:
        raise SubscriptionError(f"partitions must be an int from 1 to 1,000, not {shown(partitions)}")
    return partitions


def _check_plain(handler: Any) -> None:
    if inspect.iscoroutinefunction(handler):
        raise SubscriptionError(
            "the handler is an async function, which nobody would await",
            hint="Use an AsyncKernel or a plain function.",
        )
