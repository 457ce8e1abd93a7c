"""One event and its handler: what happens when it raises."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeAlias

from eventlite.errors import StoreClosedError, SubscriptionError, SubscriptionPausedError
from eventlite.sourcing.subscriptions import dead_letters
from eventlite.sourcing.subscriptions.dead_letters import DeadLetter
from eventlite.sourcing.telling import told

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.event import Event
    from eventlite.sourcing.subscriptions.checkpoints import Checkpoint
    from eventlite.sourcing.subscriptions.ending import Ending

Handler: TypeAlias = Callable[["Event"], Any]

#: Seconds before the first of `retry`'s further attempts; each wait is twice the one before, up to the longest.
FIRST_DELAY = 0.1
LONGEST_DELAY = 30.0

#: Seconds between two looks for dead letters to handle again.
LOOK_EVERY = 0.5

_LOG = logging.getLogger("eventlite")


class InterruptedHandlingError(Exception):
    """The end was reached before an event was handled."""


class Handling:
    """A handler with what is done when it raises; safe for several threads."""

    def __init__(self, host: Host, name: str, handler: Handler, on_error: str, checkpoint: Checkpoint, ending: Ending):
        self._host = host
        self._name = name
        self._consumer = consumer_name(name)
        self._handler = handler
        self._failed = POLICIES[on_error]
        #: When to look for dead letters next, by `time.monotonic`; one without a name has none.
        self.look_at = 0.0 if name else inf
        self.checkpoint = checkpoint
        self.ending = ending

    def __call__(self, event: Event) -> None:
        """Handle an event: afterwards it is done, or the hold is lost.

        Raises `SubscriptionPausedError`, and `InterruptedHandlingError` when the end came first.
        """
        error = self.attempt(event)
        if error is not None:
            self.recover(event, error)

    def recover(self, event: Event, error: Exception) -> None:
        """Do what is to be done when the first attempt at an event raised; raises as a call does."""
        attempt, failed = 1, error
        while self._goes_on(failed) and self._failed(self, event, failed, attempt):
            again = self.attempt(event)
            if again is None:
                self.checkpoint.save(error=None, error_position=None)
                return
            attempt, failed = attempt + 1, again

    def _goes_on(self, error: Exception) -> bool:
        """Whether it is an error to be dealt with, and not the handler's own part in the end of everything."""
        if isinstance(error, StoreClosedError) and self.ending.reached():
            raise InterruptedHandlingError from error
        return True

    def wants_to_look(self) -> bool:
        """Whether it is time to look for dead letters."""
        return monotonic() >= self.look_at

    def look_after_dead_letters(self) -> None:
        """From time to time, handle those that somebody wants to be handled again."""
        if self.wants_to_look():
            self.look_at = monotonic() + LOOK_EVERY
            self._retry_dead_letters()

    def _retry_dead_letters(self) -> None:
        with self._host.storage.snapshot() as snapshot:
            wanted = dead_letters.to_retry(snapshot.state, self._consumer)
        for letter in wanted:
            if self.ending.reached() or not self.checkpoint.held():
                return
            self._retry(letter)

    def _retry(self, letter: DeadLetter) -> None:
        row = self._host.storage.get(letter.event_id)
        error = self.attempt(self._host.events([row])[0]) if row is not None else None
        if error is not None:
            self._keep(letter.event_id, error, letter.attempts + 1)
        else:
            self.checkpoint.save(lambda state: dead_letters.drop(state, self._consumer, letter.event_id))

    def attempt(self, event: Event) -> Exception | None:
        """Call the handler once; what it raised."""
        try:
            if (result := self._handler(event)) is not None:
                _check_awaited(result)
        except InterruptedHandlingError:
            raise
        except Exception as error:
            return error
        return None

    def _keep(self, event_id: int, error: Exception, attempts: int) -> None:
        letter = DeadLetter(event_id, told(error), attempts, self._host.clock())
        self.checkpoint.save(
            lambda state: dead_letters.keep(state, self._consumer, letter),
            error=letter.error,
            error_position=event_id,
        )

    # --- what to do when a handler raised: each says whether to try again

    def _pause(self, event: Event, error: Exception, attempt: int) -> bool:  # noqa: ARG002
        if not self.checkpoint.save(paused=True, error=told(error), error_position=event.id):
            return False  # the event is another's now
        hint = f"Mend the handler, then `eventlite subscriptions resume {self._name}`." if self._name else None
        what = f"subscription {self._name!r}" if self._name else "a subscription"
        raise SubscriptionPausedError(
            f"{what} is paused: its handler raised at event {event.id}: {told(error)}", hint=hint, position=event.id
        ) from error

    def _back_off(self, event: Event, error: Exception, attempt: int) -> bool:
        _LOG.warning("subscription %r: attempt %d at event %d: %s", self._name, attempt, event.id, told(error))
        self.checkpoint.save(error=told(error), error_position=event.id)
        self.ending.sleep(min(FIRST_DELAY * 2 ** min(attempt - 1, 16), LONGEST_DELAY), self.checkpoint.held)
        if self.ending.reached():
            raise InterruptedHandlingError
        return self.checkpoint.held() or self.checkpoint.save()

    def _bury(self, event: Event, error: Exception, attempt: int) -> bool:
        _LOG.warning("subscription %r: event %d is left out: %s", self._name, event.id, told(error))
        self._keep(event.id, error, attempt)
        return False


#: What may be done, by name.
POLICIES: Mapping[str, Callable[[Handling, Event, Exception, int], bool]] = {
    "pause": Handling._pause,
    "retry": Handling._back_off,
    "dead-letter": Handling._bury,
}


def checked_policy(on_error: object, name: str) -> str:
    """The name of a policy that a subscription of that name can follow; raises `SubscriptionError`."""
    if not isinstance(on_error, str) or on_error not in POLICIES:
        raise SubscriptionError(f"on_error is one of {', '.join(map(repr, POLICIES))}, not {on_error!r}")
    if on_error == "dead-letter" and not name:
        raise SubscriptionError(
            "a subscription without a name has no place for dead letters", hint="Name it: subscribe(query, name=...)."
        )
    return on_error


def _check_awaited(result: Any) -> None:
    """Raise `SubscriptionError` for what nobody would wait for."""
    if inspect.iscoroutine(result):
        result.close()
        raise SubscriptionError(
            "the handler returned a coroutine, which nobody would await", hint="Use an AsyncKernel or a plain function."
        )


def consumer_name(name: str) -> str:
    """What a subscription of that name is called among all consumers."""
    return f"subscription:{name}"
