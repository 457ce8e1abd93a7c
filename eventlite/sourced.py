"""The part of the kernel that makes something of events: decisions, state, and what follows them.

Every method is a door to `eventlite.sourcing`, which is imported when one is used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from eventlite.errors import StoreClosedError
from eventlite.event import Event, NewEvent
from eventlite.query import ALL_EVENTS, Query
from eventlite.writable import Writable

if TYPE_CHECKING:
    from datetime import datetime

    from eventlite.contracts import JobDispatcher
    from eventlite.sourcing.decider import Decider
    from eventlite.sourcing.folding import Folded
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.handle import ProjectionHandle
    from eventlite.sourcing.projections.report import ProjectionReport
    from eventlite.sourcing.projections.stored import StoredProjections
    from eventlite.sourcing.snapshots import Snapshots
    from eventlite.sourcing.sourcing import Sourcing
    from eventlite.sourcing.subscriptions.registry import Subscriptions
    from eventlite.sourcing.subscriptions.subscription import Subscription
    from eventlite.sourcing.upcasting import Upcasters
    from eventlite.sourcing.waits.happened import Happened
    from eventlite.sourcing.waits.registry import Waits
    from eventlite.sourcing.waits.wait import Wait

_C = TypeVar("_C")
_S = TypeVar("_S")


class Sourced(Writable):
    """A store whose events are decided on, folded, projected, followed and waited for."""

    jobs: JobDispatcher  # made last, since it takes the kernel

    @cached_property
    def sourcing(self) -> Sourcing:
        """What follows the events of this kernel."""
        from eventlite.sourcing.sourcing import Sourcing
        from eventlite.sourcing.waits.following import WaitFollower

        sourcing = Sourcing(self, self.jobs)
        sourcing.add(WaitFollower(self))
        return sourcing

    @cached_property
    def waits(self) -> Waits:
        """The events that wait for others, of every kernel on this store: `get`, `list`, `cancel`, `retry`."""
        from eventlite.sourcing.waits.registry import Waits

        return Waits(self)

    def append_when(
        self,
        cmd: str,
        data: dict[str, Any] | None = None,
        *,
        all_of: Sequence[str | Query | Happened] | None = None,
        any_of: Sequence[str | Query | Happened] | None = None,
        count: tuple[str | Query | Happened, int] | None = None,
        sequence: Sequence[str | Query | Happened] | None = None,
        timeout: float | None = None,
        after: int | None = None,
        otherwise: NewEvent | None = None,
        user: str = "",
        ip: str = "",
        version: int = 1,
        metadata: dict[str, Any] | None = None,
        tags: Sequence[str] = (),
        key: str | None = None,
        correlation_id: str | None = None,
        cause: Event | int | None = None,
    ) -> Wait:
        """Append an event once others have happened: all, any, a number or a sequence of them; if several, all of that.

        What is waited for is a command, a `Query` or a `Happened`, within the event's own correlation (that of its
        cause, if it has one) and tags, unless a query names others. Events count from now on, or from those after
        position `after`. The event's cause is the event that completes the wait, unless given.

        Events count that were recorded before `timeout` seconds have passed, however late they are looked at; then
        `otherwise` is appended, if given. Waits are kept in the store and evaluated by `run_until_idle` and `run`, in
        any process: each appends once. Raises `InvalidQueryError` and `InvalidEventError`.
        """
        event = NewEvent(cmd, data, user, ip, version, metadata, tags, key, correlation_id, cause)
        return self.waits.append_when(
            event,
            all_of=all_of,
            any_of=any_of,
            count=count,
            sequence=sequence,
            timeout=timeout,
            after=after,
            otherwise=otherwise,
        )

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """The subscriptions of this store, to be shown, paused, resumed and reset."""
        from eventlite.sourcing.subscriptions.registry import Subscriptions

        return Subscriptions(self)

    def subscribe(self, query: Query = ALL_EVENTS, name: str | None = None, after: int | None = None) -> Subscription:
        """Follow matching events: those that are there, then every new one of any process, in order.

        With a name its position is kept in the store, and of all subscriptions of that name one gets events: it begins
        at its checkpoint, else after position `after`, else at the first event. Without a name it begins after
        position `after`, else at the present head, and forgets. Raises `InvalidQueryError` and `SubscriptionError`.
        """
        return self.subscriptions.subscribe(query, name, after)

    def run_until_idle(self) -> int:
        """Run projections, waits, triggers and due jobs until none has anything to do; how much was done.

        Does not wait for what is due later or held by other processes.
        """
        self._refuse_closed()
        return self.sourcing.run_until_idle()

    def run(self, stop: threading.Event) -> None:
        """Run projections, waits, triggers and jobs until `stop` is set, woken by the appends of any process.

        Closing the kernel ends it, too.
        """
        self._refuse_closed()
        self.sourcing.run(stop)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreClosedError("the kernel is closed")

    @cached_property
    def upcasters(self) -> Upcasters:
        """The functions that lift old events when they are read."""
        from eventlite.sourcing.upcasting import Upcasters

        return Upcasters(verified=self._verify_reads)

    def upcast(
        self,
        cmd: str,
        from_version: int,
        function: Callable[[dict[str, Any]], dict[str, Any]],
        *,
        to_version: int | None = None,
    ) -> None:
        """Lift events of a command from a version to the next, or to `to_version`, whenever one is read from now on.

        The function takes the decoded data, its own to change, and returns that of the newer version. What is stored
        stays as it is. Register upcasters right after opening. Raises `UpcastError`, as `Event.data` does when the
        function fails.
        """
        self.upcasters.add(cmd, from_version, function, to_version)
        self._event = self.upcasters.event

    def decide(
        self,
        decider: Decider[_C, _S],
        command: _C,
        query: Query | None = None,
        *,
        key: str | None = None,
        retries: int = 20,
    ) -> list[Event]:
        """Let a decider answer a command; returns the events that it led to, as stored.

        What the decider's query finds, or `query`, is folded, and the decision is appended on condition that nothing of
        that came in between; else it is made again, up to `retries` times, then `ConflictError` is raised. A command
        with the `key` of an earlier one is not decided again: it returns what that one led to. Raises
        `InvalidQueryError` for a query that a condition cannot ask for, and whatever `decide` raises.
        """
        from eventlite.sourcing.decider import decide

        return decide(self, decider, command, query, key=key, retries=retries)

    def fold(
        self,
        query: Query,
        evolve: Callable[[_S, Event], _S],
        initial: Any = None,
        *,
        at: int | None = None,
        snapshots: Snapshots[_S] | None = None,
    ) -> Folded[_S]:
        """The state that matching events lead to, up to the head or to position `at`; with the position, `.state`.

        `evolve(state, event)` returns the state after an event; `initial` makes the one before the first, or is a value
        of which a copy is taken. With `snapshots` a long history is not read from its beginning.
        """
        from eventlite.sourcing.folding import fold

        return fold(self, query, evolve, initial, at=at, snapshots=snapshots)

    @cached_property
    def projections(self) -> StoredProjections:
        """The projections of this store, of every kernel on it, to be shown, paused and resumed without their code."""
        from eventlite.sourcing.projections.stored import StoredProjections

        return StoredProjections(self)

    def project(
        self,
        projection: Projection,
        mode: Literal["inline", "follow"] = "follow",
        *,
        react_after: int | None = None,
    ) -> ProjectionHandle:
        """Keep a projection up to date: inside the transaction of every append, or behind it, in `run_until_idle`.

        A new one begins at the first event; its reactions behind `react_after`, or else at the present head. Raises
        `ProjectionError`, and `HandlerError` when an inline one fails to catch up.
        """
        return self.sourcing.projections.project(projection, mode, react_after)

    def rebuild(
        self, projection: str | Projection, *, progress: Callable[[int, int], None] | None = None
    ) -> ProjectionReport:
        """Build a projection's state anew beside the live one, compare the two and swap them, while appends go on.

        `progress(done, total)` is called with events. Raises `ProjectionError`, and `HandlerError` for a handler that
        fails; then the live state is untouched.
        """
        return self.sourcing.projections.rebuild(projection, progress)

    def verify_projection(
        self, projection: str | Projection, *, progress: Callable[[int, int], None] | None = None
    ) -> ProjectionReport:
        """Build a projection's state anew beside the live one and compare the two; changes nothing."""
        return self.sourcing.projections.verify(projection, progress)

    def delete_projection(self, name: str) -> None:
        """Forget a projection: its state, its place and that of its reactions, its snapshots. The events stay.

        Raises `ProjectionError` if the store has none of that name, `ConflictError` while it is kept up to date.
        """
        self.sourcing.projections.delete(name)

    def project_at(self, projection: str | Projection, at: int | datetime) -> Any:
        """A projection's state as it was after the event of a position, or after all recorded up to a moment.

        A dict; for tables a database in memory to `query` and `close`; for an object, a new one of its factory.
        """
        return self.sourcing.projections.at(projection, at)
