"""Events that are appended when others have happened: registering waits, and what became of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from eventlite.drafting import draft_batch
from eventlite.errors import InvalidEventError, InvalidQueryError, shown
from eventlite.event import Event, NewEvent, decode_tags, from_microseconds
from eventlite.query import check_position, check_reached
from eventlite.scanning import scan
from eventlite.sourcing.waits.condition import condition_of
from eventlite.sourcing.waits.following import place
from eventlite.sourcing.waits.records import (
    add,
    any_open,
    closed_waits,
    find,
    find_open,
    forget_closed,
    open_waits,
    save,
)
from eventlite.sourcing.waits.wait import OPEN_STATES, WAIT_STATES, Wait

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import EventReader

#: The longest timeout, in seconds: a hundred years.
MAX_TIMEOUT = 100 * 365 * 86_400


class Waits:
    """The waits of a store. They are evaluated by `run_until_idle` and `run` of any kernel on it."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def append_when(
        self,
        event: NewEvent,
        *,
        all_of: object,
        any_of: object,
        count: object,
        sequence: object,
        timeout: float | None,
        after: int | None,
        otherwise: NewEvent | None,
    ) -> Wait:
        """Register an event to append when all of what is given has happened; see `Kernel.append_when`."""
        event = self._checked(event, "the event")
        condition = condition_of(all_of, any_of, count, sequence, correlation_id=event.correlation_id, tags=event.tags)
        now = from_microseconds(self._host.clock())
        wait = Wait(
            id=0,
            state="pending",
            event=event,
            condition=condition,
            progress=condition.start(),
            position=0,
            registered=now,
            deadline=_deadline(now, timeout),
            otherwise=None if otherwise is None else self._otherwise(otherwise, event),
        )
        return self._register(wait, after)

    def get(self, id: int) -> Wait | None:
        """The wait of that number as it is now, or None."""
        _check_id(id)
        with self._host.storage.snapshot() as snapshot:
            return find(snapshot.state, id)

    def list(
        self, *, state: str | None = None, correlation_id: str | None = None, after: int = 0, limit: int = 1000
    ) -> list[Wait]:
        """Waits with a number beyond `after`, in the order they were registered: of one state, of one correlation.

        Without a state only those that are open, `pending` and `ready`. Raises `InvalidQueryError`.
        """
        _check_state(state)
        check_position(after, "after")
        check_position(limit, "limit")
        with self._host.storage.snapshot() as snapshot:
            some = open_waits if state in (None, *OPEN_STATES) else closed_waits
            found = (
                wait
                for wait in some(snapshot.state, after)
                if state in (None, wait.state) and correlation_id in (None, wait.event.correlation_id)
            )
            return list(islice(found, limit))

    def cancel(self, id: int) -> bool:
        """Have a pending or ready wait append nothing any more; whether it was one."""
        return self._change(id, OPEN_STATES, state="cancelled")

    def retry(self, id: int) -> bool:
        """Have a ready wait whose append was refused append again; whether it was one."""
        return self._change(id, ("ready",), error=None)

    def prune(self, *, older_than: float) -> int:
        """Forget waits that were executed, expired or cancelled more than so many seconds ago; how many it were.

        Their events stay. Raises `InvalidQueryError`.
        """
        if type(older_than) not in (int, float) or not 0 <= older_than <= MAX_TIMEOUT:
            raise InvalidQueryError(f"older_than must be seconds from 0 to {MAX_TIMEOUT:,}, not {shown(older_than)}")
        until = self._host.clock() - round(older_than * 1_000_000)
        forgotten = 0
        while True:
            with self._host.transaction() as transaction:
                some = forget_closed(transaction.state, until)
            if not some:
                return forgotten
            forgotten += some

    def _change(self, id: int, states: tuple[str, ...], **changes: Any) -> bool:
        _check_id(id)
        with self._host.transaction() as transaction:
            wait = find_open(transaction.state, id)
            if wait is None or wait.state not in states:
                return False
            save(transaction.state, replace(wait, **changes), self._host.clock())
            return True

    def _register(self, wait: Wait, after: int | None) -> Wait:
        """Keep the wait: whatever comes after the transaction that does is seen by who evaluates it."""
        storage = self._host.storage
        if after is not None:
            _check_after(after, storage.head())
            wait = _seen(storage, replace(wait, position=after))  # the bulk of it, while others may write
        with self._host.transaction() as transaction:
            if after is not None:
                wait = _seen(transaction, wait)
            head = transaction.head()
            if not any_open(transaction.state):
                place(transaction.state, head)
            return add(transaction.state, replace(wait, position=head))

    def _checked(self, event: NewEvent, what: str) -> NewEvent:
        """The event as it can be kept: its cause an id, its correlation the cause's, its tags a list."""
        if not isinstance(event, NewEvent):
            raise InvalidEventError(f"{what} must be a NewEvent, not {shown(event)}")
        event = self._caused(event)
        (draft,) = draft_batch([replace(event, cause=None)], recorded=0).drafts
        return replace(event, tags=list(decode_tags(draft[9])))

    def _caused(self, event: NewEvent) -> NewEvent:
        if event.cause is None:
            return event
        cause = event.cause.id if isinstance(event.cause, Event) else event.cause
        row = self._host.storage.get(cause) if type(cause) is int and cause > 0 else None
        if row is None:
            raise InvalidEventError(f"its cause must be an event of this store or its id, not {shown(event.cause)}")
        correlation = row[7] if event.correlation_id is None else event.correlation_id
        return replace(event, cause=row[0], correlation_id=correlation)

    def _otherwise(self, otherwise: NewEvent, event: NewEvent) -> NewEvent:
        checked = self._checked(otherwise, "otherwise")
        return checked if checked.correlation_id is not None else replace(checked, correlation_id=event.correlation_id)


def _seen(reader: EventReader, wait: Wait) -> Wait:
    """The wait after the events from its position to the head."""
    head = reader.head()
    for row in chain.from_iterable(scan(reader, wait.condition.interest(), after=wait.position, before=head + 1)):
        wait = wait.after(row)
    return replace(wait, position=max(head, wait.position))


def _deadline(now: dt.datetime, timeout: float | None) -> dt.datetime | None:
    if timeout is None:
        return None
    if type(timeout) not in (int, float) or not 0 < timeout <= MAX_TIMEOUT:
        raise InvalidQueryError(
            f"timeout must be seconds, more than 0 and at most {MAX_TIMEOUT:,}, not {shown(timeout)}",
            hint="None waits for ever.",
        )
    return now + dt.timedelta(seconds=timeout)


def _check_after(after: int, head: int) -> None:
    check_position(after, "after")
    check_reached(after, head, "after")


def _check_id(id: object) -> None:
    if type(id) is not int:
        raise InvalidQueryError(f"a wait's id is an int, not {shown(id)}")


def _check_state(state: object) -> None:
    if state is not None and state not in WAIT_STATES:
        raise InvalidQueryError(f"no wait is ever {shown(state)}", hint=f"States are {', '.join(WAIT_STATES)}.")
