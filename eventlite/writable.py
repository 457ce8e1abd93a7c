"""The part of the kernel that writes: check and encode, commit through the queue, tell the plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import islice
from threading import get_ident
from typing import TYPE_CHECKING, Any

from eventlite import append_hooks
from eventlite.contracts.writing import CommitRequest, Committed, Outcome
from eventlite.drafting import draft_batch, now
from eventlite.earlier import NOTHING, Earlier
from eventlite.errors import EventLiteError, InvalidEventError, InvalidQueryError, StorageError, shown
from eventlite.event import Event, NewEvent, Row
from eventlite.inline import InlineCommit, InlineHandler, call_handlers
from eventlite.query import Condition, check_size
from eventlite.readable import Readable
from eventlite.refusing import Refusing
from eventlite.write_queue import WriteQueue

if TYPE_CHECKING:
    from eventlite.contracts import BulkReport, Cache, Storage, Transaction


class Writable(Readable):
    """A store to append to. `before` and `after` are the plugins that listen to appends."""

    def __init__(
        self,
        storage: Storage,
        cache: Cache,
        *,
        verify_reads: bool,
        before: append_hooks.Listeners,
        after: append_hooks.Listeners,
    ) -> None:
        super().__init__(storage, cache, verify_reads=verify_reads)
        #: Tells the time in microseconds since the epoch; a test may set another.
        self.clock: Callable[[], int] = now
        self._refused: dict[int, Callable[[], EventLiteError]] = {}  # what threads are told that may not append now
        self._handlers: tuple[InlineHandler, ...] = ()
        self._commit: Callable[[Sequence[CommitRequest]], list[Outcome]] = storage.commit
        self._queue = WriteQueue(self.commit)
        self._max_batch = storage.capabilities.max_batch
        self._before = before
        self._after = after

    @property
    def hooked(self) -> bool:
        """Whether plugins listen to appends."""
        return bool(self._before or self._after)

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
        stored = self._append([event], condition)
        if not stored:
            raise append_hooks.left_out()
        return stored[0]

    def append_many(self, events: Iterable[NewEvent], condition: Condition | None = None) -> list[Event]:
        """Append a batch, all or nothing; returns the events as stored. An empty batch stores nothing."""
        batch = listed(events)
        return self._append(batch, condition) if batch else []

    def append_bulk(self, events: Iterable[NewEvent], batch_size: int | None = None) -> BulkReport:
        """Append many events in batches, each of them all or nothing.

        Without `batch_size`, as many a time as the storage is quickest with: 2,000 to 10,000 in those that come with
        EventLite. An error, that of a generator included, carries the `report` of what was committed before it.
        """
        from eventlite.contracts.bulk import BulkReport

        if batch_size is None:
            batch_size = min(self.storage.capabilities.bulk_batch, self._max_batch)
        check_size(batch_size, "batch_size")
        if not isinstance(events, Iterable):
            raise InvalidEventError(f"expected several NewEvents, not {shown(events)}")
        report, remaining, earlier = BulkReport(), iter(events), Earlier()
        expected = len(events) if isinstance(events, Sequence) else batch_size  # a generator may go on for days
        try:
            first = list(islice(remaining, batch_size))
            with self.storage.bulk_load(expected) if len(first) == batch_size else nullcontext():
                while batch := first or list(islice(remaining, batch_size)):
                    self._append_batch(batch, report, earlier)
                    first = []
        except BaseException as error:  # the caller's own included: what was committed stays so
            error.report = report  # type: ignore[attr-defined]
            raise
        return report

    def _append_batch(self, batch: list[NewEvent], report: BulkReport, earlier: Earlier) -> None:
        self._refuse()
        events = self._listened(batch)
        if not events:
            return
        committed = self._queue.submit(self._drafted(events, earlier=earlier))
        earlier.add(events, committed)
        report.first_id = report.first_id or committed.rows[0][0]
        report.last_id = committed.rows[-1][0]
        report.count += len(committed.rows)
        if self._after:
            self.announce(committed)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A unit of work over events and records, for plugins; its appends are announced when it is done."""
        self._refuse()
        with self.storage.transaction() as transaction, self.refusing_appends(_inside):
            announced = append_hooks.AnnouncedTransaction(transaction)
            yield announced if self._after or self._handlers else transaction
            if announced.rows:
                call_handlers(self._handlers, transaction, announced.rows)
        if announced.rows and self._after:
            append_hooks.after_append(self._after, self.events(announced.rows))

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

    def refusing_appends(self, told: Callable[[], EventLiteError]) -> Refusing:
        """Within the block, appends and transactions of this thread raise what `told` returns."""
        return Refusing(self._refused, told)

    def _run_handlers(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        with self.refusing_appends(_inside):
            call_handlers(self._handlers, transaction, rows)

    def _refuse(self) -> None:
        if told := self._refused.get(get_ident()):
            raise told()

    def prepare(self, events: list[NewEvent], condition: Condition | None = None) -> CommitRequest:
        """A batch as the storage takes it: after the plugins' hooks, checked and encoded."""
        return self._drafted(self._listened(events), condition)

    def _listened(self, events: list[NewEvent]) -> list[NewEvent]:
        return append_hooks.before_append(self._before, events) if self._before else events

    def _drafted(
        self, events: list[NewEvent], condition: Condition | None = None, earlier: Earlier = NOTHING
    ) -> CommitRequest:
        if condition is not None and not isinstance(condition, Condition):
            raise InvalidQueryError(
                f"expected a Condition, not {shown(condition)}", hint="Condition(Query(...), after=0)."
            )
        if len(events) > self._max_batch:
            raise InvalidEventError(
                f"a batch of {len(events):,} events is larger than the {self._max_batch:,} that the storage takes",
                hint="Use append_bulk, or smaller batches.",
            )
        return draft_batch(events, condition, recorded=self.clock(), earlier=earlier)

    def announce(self, committed: Committed) -> list[Event]:
        """The events of a committed batch, after the plugins were told of those that are new."""
        stored: list[Event] = list(map(self._event, committed.rows))
        if self._after and committed.new:
            append_hooks.after_append(self._after, stored)
        return stored

    def _append(self, events: list[NewEvent], condition: Condition | None) -> list[Event]:
        if self._refused:
            self._refuse()
        return self.announce(self._queue.submit(self.prepare(events, condition)))


def _inside() -> EventLiteError:
    """An append that waits for its own thread's transaction would wait for ever."""
    return EventLiteError(
        "this thread is inside a transaction of the kernel already", hint="Use the transaction's own methods."
    )


def listed(events: object) -> list[NewEvent]:
    """A batch as a list; raises `InvalidEventError` for what is no batch."""
    if isinstance(events, Iterable):
        return list(events)
    raise InvalidEventError(f"expected several NewEvents, not {shown(events)}")
