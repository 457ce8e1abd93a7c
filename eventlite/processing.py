"""A function over every batch of a query, in one thread or several, with a report of what failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

from eventlite.errors import InvalidQueryError, shown
from eventlite.event import Event

#: Errors that a report keeps; the others are only counted.
MAX_ERRORS = 100


class BatchError(NamedTuple):
    """A batch whose function raised: the ids of its first and last event, and what was raised."""

    first_id: int
    last_id: int
    error: Exception


@dataclass(slots=True)
class ProcessReport:
    """How many events went through the function, and how many were in batches that failed."""

    processed: int = 0
    failed: int = 0
    #: The first of them.
    errors: list[BatchError] = field(default_factory=list)


def process(batches: Iterable[Sequence[Event]], function: Callable[[Any], Any], workers: int) -> ProcessReport:
    """Call `function` with each batch. One that raises is reported and the others go on.

    With several workers batches run side by side, in no particular order; at most two per worker are in memory. Raises
    `InvalidQueryError` for what is no plain function.
    """
    _check_plain(function)
    report = ProcessReport()
    if workers == 1:
        for batch in batches:
            _count(report, batch, _failure(function, batch))
        return report
    running: deque[tuple[Sequence[Event], Future[Exception | None]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="eventlite-process") as pool:
        for batch in batches:
            running.append((batch, pool.submit(_failure, function, batch)))
            if len(running) == 2 * workers:
                _finish(report, *running.popleft())
        while running:
            _finish(report, *running.popleft())
    return report


def _check_plain(function: object) -> None:
    if not callable(function) or iscoroutinefunction(function):
        raise InvalidQueryError(
            f"batches are processed by a plain function, not {shown(function)}", hint="It may call asyncio.run."
        )


def _failure(function: Callable[[Any], Any], batch: Sequence[Event]) -> Exception | None:
    try:
        function(batch)
    except Exception as error:
        return error
    return None


def _finish(report: ProcessReport, batch: Sequence[Event], done: Future[Exception | None]) -> None:
    _count(report, batch, done.result())


def _count(report: ProcessReport, batch: Sequence[Event], error: Exception | None) -> None:
    if error is None:
        report.processed += len(batch)
        return
    report.failed += len(batch)
    if len(report.errors) < MAX_ERRORS:
        report.errors.append(BatchError(batch[0].id, batch[-1].id, error))
