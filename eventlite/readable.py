"""The part of the kernel that reads: by id, by what events belong to, in order, by pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from eventlite.answers import Answers, CachedAnswers, DirectAnswers
from eventlite.errors import InvalidQueryError, StoreClosedError, shown
from eventlite.event import MAX_ID, Event, Row, VerifiedEvent
from eventlite.page import Cursor, Page, decode_cursor, query_mark
from eventlite.query import ALL_EVENTS, Query, check_position, check_query, check_size
from eventlite.scanning import BATCH, scan

if TYPE_CHECKING:
    from eventlite.contracts import Cache, Storage
    from eventlite.processing import ProcessReport
    from eventlite.verification import VerificationReport


class Readable:
    """A store and its cache, to read from."""

    def __init__(self, storage: Storage, cache: Cache, *, verify_reads: bool) -> None:
        self._closed = True  # until everything is open
        self.storage = storage
        self.cache = cache
        self._verify_reads = verify_reads
        self._event: Callable[[Row], Event] = VerifiedEvent if verify_reads else Event
        self._answers: Answers = CachedAnswers(storage, cache) if cache.stats().max_size else DirectAnswers(storage)

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
        query: Query = ALL_EVENTS,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int | None = None,
        backwards: bool = False,
    ) -> Iterator[Event]:
        """Matching events with `after < id < before` by id, the last first if `backwards`; ends at the present head.

        Events come in small batches, so that memory stays bounded.
        """
        batches = self._scan(query, after, before, limit, backwards, BATCH)
        return map(self._event, chain.from_iterable(batches))

    def stream(self, query: Query = ALL_EVENTS, *, after: int = 0, batch_size: int = BATCH) -> Iterator[list[Event]]:
        """Matching events after a position in lists of `batch_size`, in order; ends at the present head."""
        check_size(batch_size, "batch_size")
        return map(self.events, self._scan(query, after, None, None, False, batch_size))

    def process(
        self, query: Query, function: Callable[[list[Event]], Any], batch_size: int = 1000, workers: int = 1
    ) -> ProcessReport:
        """Call a function with every batch of matching events; with `workers` threads, batches run side by side.

        A batch whose function raises is reported, and the others go on.
        """
        from eventlite.processing import process

        check_size(workers, "workers")
        return process(self.stream(query, batch_size=batch_size), function, workers)

    def page(
        self,
        query: Query = ALL_EVENTS,
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
        check_query(query)
        check_size(limit, "limit")
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

    def count(self, query: Query = ALL_EVENTS) -> int:
        """How many events match."""
        check_query(query)
        return self.storage.count(query)

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        return self.storage.head()

    def events(self, rows: Iterable[Row]) -> list[Event]:
        """Stored rows as events, just as every read returns them."""
        return list(map(self._event, rows))

    def verify(self, *, progress: Callable[[int, int], None] | None = None) -> VerificationReport:
        """Check every event and the store itself. `progress(done, total)` is called with ids, once per batch.

        What is wrong is reported. Raises `StoreClosedError`.
        """
        from eventlite.verification import verify

        return verify(self.storage, progress)

    def _scan(
        self, query: Query, after: int, before: int | None, limit: int | None, backwards: bool, size: int
    ) -> Iterator[list[Row]]:
        check_query(query)
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


def _check_id(id: object) -> None:
    if type(id) is not int:
        hint = "Pass its id: event.id." if isinstance(id, Event) else None
        raise InvalidQueryError(f"an event's id is an int, not {shown(id)}", hint=hint)
