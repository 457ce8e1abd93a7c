"""How far a subscription is: in memory, or in the store under a name that one consumer at a time may use."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from eventlite.errors import ConflictError, StorageError, StoreClosedError
from eventlite.sourcing.consumer import HOLD, Hold

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateStore

#: Seconds after which a step forward is durable.
SAVE_EVERY = 0.1

#: Seconds after which a hold is renewed although nothing happens.
RENEW_EVERY = HOLD / 3

#: The most events that may be done and not be durable yet, and how many of them are taken at once.
MOST_UNSAVED = 1000
BATCH = MOST_UNSAVED // 2


class Checkpoint(Protocol):
    """The position of one subscription. One thread works with it; any thread may ask `held` and call `release`."""

    #: The id of the last event that is done.
    position: int

    def acquire(self) -> bool:
        """Whether this consumer may begin, at `position`."""

    def held(self) -> bool:
        """Whether it may go on; costs next to nothing."""

    def save(self, write: Callable[[StateStore], object] | None = None, **changes: Any) -> bool:
        """Make the position durable, with what `write` stores and with changes of the `Consumer`, all or nothing.

        False when the hold is lost: then nothing was written.
        """

    def settle(self, count: int) -> None:
        """So many more events are done: save when there are enough."""

    def release(self) -> None:
        """Save, and let others begin. Releasing twice is fine."""


class MemoryCheckpoint:
    """Of a subscription without a name: nobody else wants it."""

    def __init__(self, start: int) -> None:
        self.position = start

    def acquire(self) -> bool:
        return True

    def held(self) -> bool:
        return True

    def save(self, write: Callable[[StateStore], object] | None = None, **changes: Any) -> bool:  # noqa: ARG002
        return True

    def settle(self, count: int) -> None:
        pass

    def release(self) -> None:
        pass


class StoredCheckpoint:
    """Of a named subscription: while it is held, a thread saves the position and renews the hold.

    Who lost the hold cannot save, so that the position never moves back or beyond what another has done. What both
    threads change is guarded by the store's transaction: a lock besides could be waited for inside of one, for ever.
    """

    def __init__(self, host: Host, name: str, start: int) -> None:
        self._host = host
        self._hold = Hold(host, name, start)
        self._mine = False
        self._over = threading.Event()
        self._released = threading.Event()
        self._released.set()
        self._settled = 0  # events, of which so many were durable when a save last ended
        self._saved = 0
        self._renew_at = 0.0
        self.position = start

    def acquire(self) -> bool:
        if not self._hold.acquire():
            return False
        self.position = self._hold.position
        self._renew_at = monotonic() + RENEW_EVERY
        self._mine, self._over = True, threading.Event()
        threading.Thread(target=self._keep, args=(self._over,), name="eventlite-checkpoint", daemon=True).start()
        return True

    def held(self) -> bool:
        return self._mine and self._host.clock() < self._hold.consumer.until  # asked for every event

    def save(self, write: Callable[[StateStore], object] | None = None, **changes: Any) -> bool:
        return self._mine and self._save(lambda: self._mine, write, **changes)

    def settle(self, count: int) -> None:
        self._settled += count
        if self._settled - self._saved > MOST_UNSAVED - BATCH:
            self.save()

    def release(self) -> None:
        if not self._mine:
            self._released.wait(HOLD)  # another thread may be about it; not for ever, since it may wait for this one
            return
        self._released.clear()
        self._give_up()
        try:
            self._save(lambda: True, owner="", until=0)
        finally:
            self._released.set()

    def _save(
        self, allowed: Callable[[], bool], write: Callable[[StateStore], object] | None = None, **changes: Any
    ) -> bool:
        before = self._hold.consumer
        try:
            with self._host.transaction() as transaction:
                if not allowed():
                    return False
                before, settled = self._hold.consumer, self._settled
                self._hold.consumer = self._hold.advance(transaction.state, self.position, **changes)
                if write is not None:
                    write(transaction.state)
        except ConflictError:
            self._give_up()
            self._hold.concede(self.position)
            return False
        except BaseException:
            self._hold.consumer = before
            raise
        self._saved = settled
        self._renew_at = monotonic() + RENEW_EVERY
        return True

    def _give_up(self) -> None:
        self._mine = False
        self._over.set()

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(SAVE_EVERY):
            try:
                if self.position != self._hold.position or monotonic() >= self._renew_at:
                    self._save(lambda: not over.is_set())
            except StoreClosedError:
                return
            except StorageError:
                continue  # the hold runs out unless it gets better; then the consumer meets the error itself
