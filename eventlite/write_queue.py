"""Group commit: appends that arrive while a commit is under way are committed together next.

A lone appender commits its own request in its own thread. Whoever finishes a commit hands the lead, with everything
that has come meanwhile, to the first of those who wait.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from copy import copy

from eventlite.contracts.writing import CommitRequest, Committed, Outcome
from eventlite.errors import StoreClosedError, UnknownOutcomeError


class _Ticket:
    """One request on its way. Its thread sleeps until it has an outcome, or leads the next group."""

    __slots__ = ("_asleep", "failure", "group", "outcome", "request")

    def __init__(self, request: CommitRequest) -> None:
        self.request = request
        self.outcome: Outcome | None = None
        self.failure: BaseException | None = None
        self.group: list[_Ticket] = []
        self._asleep: threading.Lock | None = None

    def go_to_bed(self) -> None:
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        if self._asleep is not None:
            self._asleep.acquire()

    def wake(self) -> None:
        """Waking twice is fine."""
        if self._asleep is not None:
            with contextlib.suppress(RuntimeError):
                self._asleep.release()


class WriteQueue:
    """The one door to a storage's `commit`.

    An interrupt (KeyboardInterrupt) may come at any point: whoever leads then passes on the lead all the same.
    """

    def __init__(self, commit: Callable[[Sequence[CommitRequest]], list[Outcome]], *, max_waiting: int = 1024) -> None:
        self._commit = commit
        self._max_waiting = max_waiting
        self._refusal: str | None = None
        self._begin()
        _queues.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()  # entered itself: an interrupt while a Condition is entered would leave it locked
        self._room = threading.Condition(self._lock)
        self._idle = threading.Condition(self._lock)
        self._leader: _Ticket | None = None
        self._waiting: list[_Ticket] = []

    def submit(self, request: CommitRequest) -> Committed:
        """Commit one request; returns when it is as durable as the storage promises. Raises its refusal.

        Beyond `max_waiting` requests in the queue, callers wait before they enter it.
        """
        ticket = _Ticket(request)
        try:
            self._enter(ticket)
            ticket.sleep()
            if self._leader is ticket:
                self._lead(ticket)
        finally:
            try:
                self._finish(ticket)
            except BaseException:  # an interrupt came in between
                self._finish(ticket)
                raise
        return _result(ticket)

    def close(self) -> None:
        """Refuse what comes from now on, and wait for what was accepted."""
        with self._lock:
            self._refusal = self._refusal or "the kernel is closed"
            while self._leader is not None:
                self._idle.wait()

    def abandon(self) -> None:
        """In a forked child: the threads that led and waited are not there, and their events are not the child's."""
        self._refusal = "the kernel belongs to the process that this one was forked from"
        self._begin()

    def _enter(self, ticket: _Ticket) -> None:
        """Lead if nobody does, else stand in line."""
        with self._lock:
            while len(self._waiting) >= self._max_waiting:
                self._room.wait()
            if self._refusal is not None:
                raise StoreClosedError(self._refusal)
            if self._leader is None:
                ticket.group = [ticket]
                self._leader = ticket
            else:
                ticket.go_to_bed()
                self._waiting.append(ticket)

    def _lead(self, ticket: _Ticket) -> None:
        """Commit everything that waits, or the one that found nobody here."""
        if not ticket.group:
            with self._lock:
                ticket.group, self._waiting = self._waiting, []
                self._room.notify_all()
        try:
            outcomes = self._commit([member.request for member in ticket.group])
            for member, outcome in zip(ticket.group, outcomes, strict=True):
                member.outcome = outcome
        except BaseException as error:
            for member in ticket.group:
                member.failure = error
            raise

    def _finish(self, ticket: _Ticket) -> None:
        """Leave the line if still in it, give the lead to the first who waits, and wake those who have their answer."""
        if ticket.outcome is not None and not ticket.group:
            return  # the group's leader does it
        with self._lock:
            if not ticket.group and ticket in self._waiting:
                self._waiting.remove(ticket)
                self._room.notify()
            if self._leader is ticket:
                self._leader = self._waiting[0] if self._waiting else None
            if self._leader is None:
                self._idle.notify_all()
            else:
                self._leader.wake()
        for member in ticket.group:
            member.wake()


#: Those of this process, for the hook below.
_queues: weakref.WeakSet[WriteQueue] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for queue in list(_queues):
        queue.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


def _result(ticket: _Ticket) -> Committed:
    if isinstance(ticket.outcome, Committed):
        return ticket.outcome
    if ticket.outcome is not None:
        raise ticket.outcome
    if isinstance(ticket.failure, Exception):
        raise copy(ticket.failure) from ticket.failure  # several threads raise it, each its own
    raise UnknownOutcomeError(
        "the thread that was committing this append was interrupted",
        hint="Append again with the same `key` to find out whether it was stored.",
    )
