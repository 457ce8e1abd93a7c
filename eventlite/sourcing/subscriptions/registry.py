"""All subscriptions of a store: making one, and looking after those that have a name."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from eventlite.drafting import check_name
from eventlite.errors import ConflictError, InvalidEventError, InvalidQueryError, SubscriptionError, shown
from eventlite.query import Query, check_position, check_reached
from eventlite.sourcing import consumer
from eventlite.sourcing.subscriptions import dead_letters
from eventlite.sourcing.subscriptions.checkpoints import MemoryCheckpoint, StoredCheckpoint
from eventlite.sourcing.subscriptions.dead_letters import DeadLetter
from eventlite.sourcing.subscriptions.ending import SLICE
from eventlite.sourcing.subscriptions.handling import consumer_name
from eventlite.sourcing.subscriptions.subscription import Subscription

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import StateReader
    from eventlite.contracts.storage import Transaction
    from eventlite.sourcing.consumer import Consumer

#: Seconds that closing waits for handlers to return.
PATIENCE = 1.5

_PREFIX = consumer_name("")


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """How a named subscription stands."""

    name: str
    #: "running" while somebody holds it, "paused", or "stopped".
    state: str
    #: The id of the last event that is done, and how far that is behind the head.
    position: int
    lag: int
    #: Who holds it, as process id and a mark; None for nobody.
    holder: str | None
    #: What its handler raised last, as "Type: text", and at which event.
    error: str | None
    error_position: int | None
    dead_letters: int


class Subscriptions:
    """Makes subscriptions of a host, and shows, pauses, resumes, resets and deletes those that have a name.

    A change reaches whoever runs the subscription, in any process, within half a second. All methods raise
    `SubscriptionError` for a name that there is not.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._open: WeakSet[Subscription] = WeakSet()

    def subscribe(self, query: Query, name: str | None = None, after: int | None = None) -> Subscription:
        """See `Kernel.subscribe`."""
        if not isinstance(query, Query):
            raise InvalidQueryError(f"expected a Query, not {shown(query)}", hint='For example Query(cmd="orderPaid").')
        start = self._start(name, after)
        checkpoint = MemoryCheckpoint(start) if name is None else StoredCheckpoint(self._host, _consumer(name), start)
        made = Subscription(self._host, query, name or "", checkpoint)
        self._open.add(made)
        return made

    def list(self) -> list[SubscriptionStatus]:
        """All that have a name, by name."""
        with self._host.storage.snapshot() as snapshot:
            found = consumer.all_consumers(snapshot.state, _PREFIX)
            return [self._status(each, snapshot.head(), snapshot.state) for each in found]

    def get(self, name: str) -> SubscriptionStatus:
        """The one of that name."""
        with self._host.storage.snapshot() as snapshot:
            return self._status(_known(snapshot.state, name), snapshot.head(), snapshot.state)

    def pause(self, name: str) -> SubscriptionStatus:
        """Nobody gets its events until it is resumed."""
        return self._change(name, paused=True)

    def resume(self, name: str) -> SubscriptionStatus:
        """End a pause, whether made by hand or by an error, which is forgotten."""
        return self._change(name, paused=False, error=None, error_position=None)

    def reset(self, name: str, position: int = 0) -> SubscriptionStatus:
        """Begin again behind that position, also while it runs."""
        check_position(position, "position")
        check_reached(position, self._host.storage.head(), "position")
        return self._change(name, position=position, owner="", until=0, error=None, error_position=None)

    def dead_letters(self, name: str, ids: Collection[int] | None = None) -> Sequence[DeadLetter]:
        """The events that it left out, or those of certain ids."""
        _check_ids(ids)
        with self._host.storage.snapshot() as snapshot:
            _known(snapshot.state, name)
            return list(dead_letters.letters(snapshot.state, _consumer(name), ids))

    def retry(self, name: str, ids: Collection[int] | None = None) -> Sequence[DeadLetter]:
        """Have those events, or all, handled once more by whoever runs the subscription; returns them."""
        _check_ids(ids)
        with self._changing(name) as (transaction, _):
            return dead_letters.mark(transaction.state, _consumer(name), ids)

    def drop(self, name: str, ids: Collection[int] | None = None) -> Sequence[DeadLetter]:
        """Forget those dead letters, or all; returns them. The events stay."""
        _check_ids(ids)
        with self._changing(name) as (transaction, _):
            dropped = list(dead_letters.letters(transaction.state, _consumer(name), ids))
            for letter in dropped:
                dead_letters.drop(transaction.state, _consumer(name), letter.event_id)
        return dropped

    def delete(self, name: str, *, force: bool = False) -> SubscriptionStatus:
        """Forget it and its place; returns how it stood. One of that name begins anew.

        Raises `ConflictError` while somebody runs it, and without `force` when it has dead letters.
        """
        with self._changing(name) as (transaction, found):
            status = self._status(found, transaction.head(), transaction.state)
            _check_deletable(status, force)
            for letter in dead_letters.letters(transaction.state, found.name):
                dead_letters.drop(transaction.state, found.name, letter.event_id)
            consumer.remove(transaction.state, found)
        return status

    def close(self) -> None:
        """Close all that were made here. Waits for handlers, but not long: their events come again."""
        made = list(self._open)
        for subscription in made:
            subscription.close()
        until = monotonic() + PATIENCE
        while any(subscription.running for subscription in made) and monotonic() < until:
            threading.Event().wait(SLICE / 10)

    def _start(self, name: str | None, after: int | None) -> int:
        """Where it begins unless a checkpoint is stored."""
        if after is not None:
            check_position(after, "after")
            check_reached(after, self._host.storage.head(), "after")
            return after
        return self._host.storage.head() if name is None else 0

    def _change(self, name: str, **changes: Any) -> SubscriptionStatus:
        with self._changing(name) as (transaction, found):
            changed = consumer.store(transaction.state, replace(found, **changes))
            return self._status(changed, transaction.head(), transaction.state)

    @contextmanager
    def _changing(self, name: str) -> Iterator[tuple[Transaction, Consumer]]:
        with self._host.transaction() as transaction:
            yield transaction, _known(transaction.state, name)

    def _status(self, found: Consumer, head: int, state: StateReader) -> SubscriptionStatus:
        held = found.held(self._host.clock()) and not found.paused
        return SubscriptionStatus(
            name=found.name.removeprefix(_PREFIX),
            state="paused" if found.paused else "running" if held else "stopped",
            position=found.position,
            lag=max(0, head - found.position),
            holder=found.owner if held else None,
            error=found.error,
            error_position=found.error_position,
            dead_letters=sum(1 for _ in dead_letters.letters(state, found.name)),
        )


def _known(state: StateReader, name: str) -> Consumer:
    found = consumer.find(state, _consumer(name))
    if found is None:
        raise SubscriptionError(
            f"there is no subscription {name!r}",
            hint="It is there once it has run: `eventlite subscriptions list`.",
        )
    return found


def _check_ids(ids: Any) -> None:
    if ids is not None and not (isinstance(ids, Collection) and all(type(id) is int for id in ids)):
        raise SubscriptionError(f"ids are those of events, such as [41, 42], not {shown(ids)}")


def _check_deletable(status: SubscriptionStatus, force: bool) -> None:
    if status.holder is not None:
        raise ConflictError(
            f"subscription {status.name!r} is running, held by process {status.holder.partition('-')[0]}",
            hint="Stop it first, and those that stand by: whoever runs it would begin anew.",
        )
    if status.dead_letters and not force:
        raise ConflictError(
            f"subscription {status.name!r} has {status.dead_letters:,} dead letters, which would be forgotten with it",
            hint="Have them handled or dropped first, or use force.",
        )


def _consumer(name: str) -> str:
    try:
        check_name(name, "the name of a subscription")
    except InvalidEventError as error:
        raise SubscriptionError(error.message, hint=error.hint) from None
    return consumer_name(name)
