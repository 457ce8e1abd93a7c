"""The kernel: profiles in, five components out, and the order of calls between them."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from eventlite import announcing
from eventlite.answers import Answers, CachedAnswers, DirectAnswers
from eventlite.contracts.writing import CommitRequest, Committed, Outcome
from eventlite.drafting import draft_batch, now
from eventlite.errors import (
    EventLiteError,
    InvalidEventError,
    InvalidQueryError,
    StorageError,
    StoreClosedError,
    shown,
)
from eventlite.event import MAX_ID, Event, NewEvent, Row, VerifiedEvent
from eventlite.inline import InlineCommit, InlineHandler, call_handlers
from eventlite.page import Cursor, Page, decode_cursor, query_mark
from eventlite.query import Condition, Query, check_position
from eventlite.scanning import scan
from eventlite.write_queue import WriteQueue

if TYPE_CHECKING:
    from datetime import datetime

    from eventlite.contracts import Bulk, BulkReport, Cache, Indexing, JobDispatcher, Storage, Transaction
    from eventlite.plugins import Plugins
    from eventlite.processing import ProcessReport
    from eventlite.profile import Profile
    from eventlite.sourcing.decider import Decider
    from eventlite.sourcing.folding import Folded
    from eventlite.sourcing.happened import Happened
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.handle import ProjectionHandle
    from eventlite.sourcing.projections.report import ProjectionReport
    from eventlite.sourcing.snapshots import Snapshots
    from eventlite.sourcing.sourcing import Sourcing
    from eventlite.sourcing.subscription import Subscription
    from eventlite.sourcing.subscriptions import Subscriptions
    from eventlite.sourcing.upcasting import Upcasters
    from eventlite.sourcing.wait import Wait
    from eventlite.sourcing.waits import Waits
    from eventlite.verification import VerificationReport

_ALL = Query()

_C = TypeVar("_C")
_S = TypeVar("_S")


class Kernel:
    """An open event store: append, read, and the components of its profile.

    Safe to use from many threads. Close it, or use it in a `with` block.
    """

    def __init__(self, profile: Profile, plugins: Plugins, *, create: bool = True) -> None:
        from eventlite.opening import open_components
        from eventlite.plugins import ask, listeners, make

        self._closed = True  # until everything is open
        self._inside = 0  # the thread that is inside `transaction`
        self.profile = profile
        self.plugins = plugins
        parts = open_components(plugins, create=create)
        self.storage: Storage = parts.storage
        self.indexes: Indexing = parts.indexes
        self.cache: Cache = parts.cache
        self.bulk: Bulk = parts.bulk
        self._event: Callable[[Row], Event] = VerifiedEvent if profile.verify_reads else Event
        self._answers: Answers = (
            CachedAnswers(self.storage, self.cache) if self.cache.stats().max_size else DirectAnswers(self.storage)
        )
        #: Tells the time in microseconds since the epoch; a test may set another.
        self.clock: Callable[[], int] = now
        self._handlers: tuple[InlineHandler, ...] = ()
        self._commit: Callable[[Sequence[CommitRequest]], list[Outcome]] = self.storage.commit
        self._queue = WriteQueue(self.commit)
        self._max_batch = self.storage.capabilities.max_batch
        self._before = listeners(plugins.manager, "eventlite_before_append")
        self._after = listeners(plugins.manager, "eventlite_after_append")
        self._closing = listeners(plugins.manager, "eventlite_closing")
        try:
            self.jobs: JobDispatcher = make(
                plugins, "jobs", "eventlite_make_jobs", settings=plugins.settings["jobs"], host=self
            )
            self._closed = False
            ask(plugins.manager, "eventlite_opened", kernel=self)
        except BaseException:
            self._closed = True
            if hasattr(self, "jobs"):
                self.jobs.close()
            self.storage.close()
            raise

    @classmethod
    def from_profile(
        cls, profile: str | Path | None = None, *, create: bool = True, **sections: Mapping[str, Any]
    ) -> Self:
        """Open the store of a profile: a built-in name, a path, or None for `EVENTLITE_PROFILE` or "balanced".

        A keyword such as `storage={"path": "app.db"}` merges over that section. With `create=False` a store that is
        not there raises `StoreNotFoundError`. Raises `ProfileError`, `PluginError` or a `StorageError`.
        """
        from eventlite.plugins import load_plugins
        from eventlite.profile import load_profile

        loaded = load_profile(profile, sections)
        return cls(loaded, load_plugins(loaded), create=create)

    def close(self) -> None:
        """Finish what was accepted and release everything. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        announcing.notify(self._closing, "while the kernel was closing", kernel=self)
        try:
            if "subscriptions" in vars(self):
                self.subscriptions.close()
            self.jobs.close()
        finally:
            self._queue.close()
            self.storage.close()

    def __enter__(self) -> Self:
        if self._closed:
            raise StoreClosedError("the kernel is closed", hint="Open another with Kernel.from_profile().")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)
            self.close()

    def __repr__(self) -> str:
        return f"<Kernel {self.profile.name} {self.profile.sections['storage'].get('path', '')}>"

    @property
    def hooked(self) -> bool:
        """Whether plugins listen to appends."""
        return bool(self._before or self._after)

    # --- writing

    def append(
        self,
        cmd: str,
        data: dict[str, Any] | None = None,
        *,
        user: str = "",
        ip: str = "",
        version: int = 1,
        metadata: dict[str, Any] | None = None,
        tags: Sequence[str] = (),
        key: str | None = None,
        correlation_id: str | None = None,
        cause: Event | int | None = None,
        condition: Condition | None = None,
    ) -> Event:
        """Append one event; returns it as stored. See `NewEvent` for the arguments.

        Raises `InvalidEventError` for values that cannot be stored, `ConflictError` when the condition does not hold or
        the key is known with other content, and a `StorageError` when the store cannot write.
        """
        event = NewEvent(cmd, data, user, ip, version, metadata, tags, key, correlation_id, cause)
        return self._append([event], condition)[0]

    def append_many(self, events: Iterable[NewEvent], condition: Condition | None = None) -> list[Event]:
        """Append a batch, all or nothing; returns the events as stored. An empty batch stores nothing."""
        batch = listed(events)
        return self._append(batch, condition) if batch else []

    def append_bulk(self, events: Iterable[NewEvent], batch_size: int = 10_000) -> BulkReport:
        """Append many events in batches, each of them all or nothing.

        An error carries the `report` of what was committed before it.
        """
        from eventlite.contracts.bulk import BulkReport

        _check_size(batch_size, "batch_size")
        if not isinstance(events, Iterable):
            raise InvalidEventError(f"expected several NewEvents, not {shown(events)}")
        report, remaining = BulkReport(), iter(events)
        expected = len(events) if isinstance(events, Sequence) else batch_size  # a generator may go on for days
        try:
            first = list(islice(remaining, batch_size))
            with self.storage.bulk_load(expected) if len(first) == batch_size else nullcontext():
                while batch := first or list(islice(remaining, batch_size)):
                    self._append_batch(batch, report)
                    first = []
        except EventLiteError as error:
            error.report = report
            raise
        return report

    def _append_batch(self, batch: list[NewEvent], report: BulkReport) -> None:
        self._refuse_inside()
        committed = self._queue.submit(self.prepare(batch))
        report.first_id = report.first_id or committed.rows[0][0]
        report.last_id = committed.rows[-1][0]
        report.count += len(committed.rows)
        if self._after:
            self.announce(committed)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A unit of work over events and records, for plugins; its appends are announced when it is done."""
        self._refuse_inside()
        with self.storage.transaction() as transaction:
            self._inside = get_ident()
            try:
                announced = announcing.AnnouncedTransaction(transaction)
                yield announced if self._after or self._handlers else transaction
                if announced.rows:
                    call_handlers(self._handlers, transaction, announced.rows)
            finally:
                self._inside = 0
        if announced.rows and self._after:
            announcing.after_append(self._after, self.events(announced.rows))

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """What the write queues call: the storage's `commit`, with the handlers of `inside_appends`."""
        return self._commit(requests)

    def inside_appends(self, handler: InlineHandler) -> None:
        """From now on call `handler(transaction, rows)` in the transaction of every append, with its new rows in order.

        What it raises refuses the append, as a `HandlerError`. It must not append. Raises `StorageError` where the
        storage cannot run handlers in its transactions.
        """
        if not self.storage.capabilities.transactional:
            raise StorageError(
                "this storage runs no handlers in the transaction of an append", hint="Follow the events instead."
            )
        self._handlers = (*self._handlers, handler)
        self._commit = InlineCommit(self.storage, self._run_handlers)

    def _run_handlers(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        self._inside = get_ident()
        try:
            call_handlers(self._handlers, transaction, rows)
        finally:
            self._inside = 0

    def _refuse_inside(self) -> None:
        """An append that waits for its own thread's transaction would wait for ever."""
        if self._inside == get_ident():
            raise EventLiteError(
                "this thread is inside a transaction of the kernel already", hint="Use the transaction's own methods."
            )

    def prepare(self, events: list[NewEvent], condition: Condition | None = None) -> CommitRequest:
        """A batch as the storage takes it: after the plugins' hooks, checked and encoded."""
        if self._before:
            events = announcing.before_append(self._before, events)
        if condition is not None and not isinstance(condition, Condition):
            raise InvalidQueryError(
                f"expected a Condition, not {shown(condition)}", hint="Condition(Query(...), after=0)."
            )
        if len(events) > self._max_batch:
            raise InvalidEventError(
                f"a batch of {len(events):,} events is larger than the {self._max_batch:,} that the storage takes",
                hint="Use append_bulk, or smaller batches.",
            )
        return draft_batch(events, condition, recorded=self.clock())

    def announce(self, committed: Committed) -> list[Event]:
        """The events of a committed batch, after the plugins were told of those that are new."""
        stored: list[Event] = list(map(self._event, committed.rows))
        if self._after and committed.new:
            announcing.after_append(self._after, stored)
        return stored

    def _append(self, events: list[NewEvent], condition: Condition | None) -> list[Event]:
        if self._inside:
            self._refuse_inside()
        return self.announce(self._queue.submit(self.prepare(events, condition)))

    # --- sourcing

    @cached_property
    def sourcing(self) -> Sourcing:
        """What follows the events of this kernel."""
        from eventlite.sourcing.sourcing import Sourcing
        from eventlite.sourcing.wait_follower import WaitFollower

        sourcing = Sourcing(self, self.jobs)
        sourcing.add(WaitFollower(self))
        return sourcing

    @cached_property
    def waits(self) -> Waits:
        """The events that wait for others, of every kernel on this store: `get`, `list`, `cancel`, `retry`."""
        from eventlite.sourcing.waits import Waits

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
        from eventlite.sourcing.subscriptions import Subscriptions

        return Subscriptions(self)

    def subscribe(self, query: Query = _ALL, name: str | None = None, after: int | None = None) -> Subscription:
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
        return self.sourcing.run_until_idle()

    def run(self, stop: threading.Event) -> None:
        """Run projections, waits, triggers and jobs until `stop` is set, woken by the appends of any process."""
        self.sourcing.run(stop)

    @cached_property
    def upcasters(self) -> Upcasters:
        """The functions that lift old events when they are read."""
        from eventlite.sourcing.upcasting import Upcasters

        return Upcasters(verified=self.profile.verify_reads)

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

    def project_at(self, projection: str | Projection, at: int | datetime) -> Any:
        """A projection's state as it was after the event of a position, or after all recorded up to a moment.

        A dict; for tables a database in memory to `query` and `close`; for an object, a new one of its factory.
        """
        return self.sourcing.projections.at(projection, at)

    # --- reading

    def get(self, id: int) -> Event | None:
        """The event of that id, or None."""
        _check_id(id)
        if self._closed:
            raise StoreClosedError("the kernel is closed")
        row = self._answers.event(id) if 0 < id <= MAX_ID else None
        return None if row is None else self._event(row)

    def by_correlation(self, correlation_id: str) -> list[Event]:
        """All events of a correlation, in order."""
        if not isinstance(correlation_id, str):
            raise InvalidQueryError(f"a correlation id is a text, not {shown(correlation_id)}")
        return self.events(self._answers.correlation(correlation_id))

    def children(self, id: int) -> list[Event]:
        """The events that an event caused directly, in order."""
        _check_id(id)
        return list(self.read(Query(causation_id=id)))

    def lineage(self, id: int) -> list[Event]:
        """The ancestors of an event, root first, then the event; empty for an unknown id."""
        found: list[Event] = []
        event = self.get(id)
        while event is not None:
            found.append(event)
            cause = event.causation_id
            event = None if cause is None or cause >= event.id else self.get(cause)
        return found[::-1]

    def read(
        self,
        query: Query = _ALL,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Event]:
        """Matching events with `after < id < before` by id, the last first if `backwards`; ends at the present head.

        Events come in small batches, so that memory stays bounded.
        """
        batches = self._scan(query, after, before, limit, backwards, 1000)
        return map(self._event, chain.from_iterable(batches))

    def stream(self, query: Query = _ALL, *, after: int = 0, batch_size: int = 1000) -> Iterator[list[Event]]:
        """Matching events after a position in lists of `batch_size`, in order; ends at the present head."""
        _check_size(batch_size, "batch_size")
        return map(self.events, self._scan(query, after, None, None, False, batch_size))

    def process(
        self, query: Query, function: Callable[[list[Event]], Any], batch_size: int = 1000, workers: int = 1
    ) -> ProcessReport:
        """Call a function with every batch of matching events; with `workers` threads, batches run side by side.

        A batch whose function raises is reported, and the others go on.
        """
        from eventlite.processing import process

        _check_size(workers, "workers")
        return process(self.stream(query, batch_size=batch_size), function, workers)

    def page(
        self,
        query: Query = _ALL,
        *,
        limit: int = 100,
        offset: int = 0,
        cursor: str | None = None,
        backwards: bool = False,
        count: bool = True,
    ) -> Page:
        """A page of matching events, by `offset` or, at the same cost at any depth, by the `cursor` of the page before.

        `count=False` saves the counting. Raises `InvalidQueryError`.
        """
        _check_query(query)
        _check_size(limit, "limit")
        check_position(offset, "offset")
        head = self.storage.head()
        if cursor is None:
            total = self._answers.count(query, head=head) if count else None
            return self._page(query, Cursor(0, total, head, backwards, query_mark(query)), limit, offset)
        if offset:
            raise InvalidQueryError("a page begins at an offset or at a cursor, not at both")
        start = decode_cursor(cursor, query, backwards)
        total = start.total
        if total is not None:
            total += self._answers.count(query, head=head, after=start.head)
        return self._page(query, start._replace(total=total, head=head), limit, None)

    def count(self, query: Query = _ALL) -> int:
        """How many events match."""
        _check_query(query)
        return self.storage.count(query)

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        return self.storage.head()

    def events(self, rows: Iterable[Row]) -> list[Event]:
        """Stored rows as events, just as every read returns them."""
        return list(map(self._event, rows))

    def verify(self) -> VerificationReport:
        """Check every event and the store itself."""
        from eventlite.verification import verify

        return verify(self.storage)

    def _scan(
        self, query: Query, after: int, before: int | None, limit: int | None, backwards: bool, size: int
    ) -> Iterator[list[Row]]:
        _check_query(query)
        check_position(after, "after")
        if before is not None:
            check_position(before, "before")
        if limit is not None:
            check_position(limit, "limit")
        end = self.storage.head() + 1
        end = end if before is None else min(before, end)
        return scan(self.storage, query, after=after, before=end, limit=limit, backwards=backwards, size=size)

    def _page(self, query: Query, start: Cursor, limit: int, offset: int | None) -> Page:
        rows = self._answers.page(
            query,
            after=0 if start.backwards else start.last,
            before=start.last if start.backwards and start.last else start.head + 1,
            limit=limit + 1,
            offset=offset or 0,
            backwards=start.backwards,
        )
        has_more = len(rows) > limit
        rows = rows[:limit]
        return Page(
            self.events(rows),
            start.total,
            has_more,
            next_offset=offset + limit if has_more and offset is not None else None,
            next_cursor=start._replace(last=rows[-1][0]).encode() if has_more else None,
        )

    # --- files

    def import_file(self, /, path: str | Path, **options: Any) -> BulkReport:
        """Import a file of events; the options are those of `eventlite.contracts.ImportOptions`."""
        from eventlite.contracts.bulk import ImportOptions

        return self.bulk.import_file(self, Path(path), ImportOptions(**options))

    def export_file(self, /, path: str | Path, query: Query = _ALL, **options: Any) -> BulkReport:
        """Export matching events to a file; the options are those of `eventlite.contracts.ExportOptions`."""
        from eventlite.contracts.bulk import ExportOptions

        return self.bulk.export_file(self, Path(path), query, ExportOptions(**options))


def _check_query(query: object) -> None:
    if not isinstance(query, Query):
        raise InvalidQueryError(
            f"expected a Query, not {shown(query)}", hint='For example Query(cmd="userRegistered").'
        )


def _check_id(id: object) -> None:
    if type(id) is not int:
        raise InvalidQueryError(f"an event's id is an int, not {shown(id)}")


def _check_size(size: object, name: str) -> None:
    if type(size) is not int or not 1 <= size <= MAX_ID:
        raise InvalidQueryError(f"{name} must be an int from 1 on, not {shown(size)}")


def listed(events: object) -> list[NewEvent]:
    """A batch as a list; raises `InvalidEventError` for what is no batch."""
    if isinstance(events, Iterable):
        return list(events)
    raise InvalidEventError(f"expected several NewEvents, not {shown(events)}")
