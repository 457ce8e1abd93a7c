"""EventLite, in the profiles that a race asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peers.arena import Arena
from eventlite import Kernel, NewEvent, Query
from eventlite.bench import Scale, Stage, reading, timed, writing
from eventlite.bench.events import RARE_COMMAND
from eventlite.bench.rounds import Rounds

#: Durable appends and the two core indexes, as the peers have them.
DURABLE = {"indexing": {"indexes": ["correlation_id", "causation_id"]}}


#: The profiles that trade writes for queries.
PROFILES = ("high-volume", "balanced", "query-optimized")


def durable(arena: Arena) -> Stage:
    """Synchronous FULL, two indexes."""
    return arena.stage("balanced", arena.scale, DURABLE)


def profile(arena: Arena, name: str, scale: Scale | None = None) -> Stage:
    """A built-in profile as it is."""
    return arena.stage(name, scale or arena.scale)


def bulk(stage: Stage, change: Callable[[list[NewEvent]], list[NewEvent]] = list) -> Rounds:
    """Loads of changed events into new stores."""
    yield from writing.load(stage, lambda amount: change(stage.events(amount)))


def without_correlation(events: list[NewEvent]) -> list[NewEvent]:
    """Leave the correlation ids to EventLite: each event gets a new one."""
    for event in events:
        event.correlation_id = None
    return events


def caused(events: list[NewEvent]) -> list[NewEvent]:
    """Let the first event of ten cause the others."""
    for start in range(0, len(events), 10):
        for event in events[start + 1 : start + 10]:
            event.cause = events[start]
    return events


def stream(stage: Stage, *, touched: bool) -> Rounds:
    """Every event, its payload decoded or not."""
    read = reading.touch_everything if touched else reading.pass_everything
    while True:
        yield timed(read, stage.filled.kernel)


def probed(stage: Stage, probe: reading.Probe) -> Rounds:
    """Rounds of a probe over the filled store."""
    yield from reading.workload(probe)(stage)


def second_page(stage: Stage) -> Rounds:
    """The second page by cursor, again and again."""
    kernel, limit = stage.filled.kernel, reading.page_size(stage.filled.size)
    cursor = kernel.page(limit=limit).next_cursor
    while True:
        yield timed(_same_pages, kernel, stage.scale.reads // 50, limit=limit, cursor=cursor)


def deep_page(stage: Stage) -> Rounds:
    """The page by cursor behind nine tenths of the store, again and again."""
    kernel, limit = stage.filled.kernel, reading.page_size(stage.filled.size)
    cursor = kernel.page(limit=limit, offset=int(reading.DEPTH * stage.filled.size)).next_cursor
    while True:
        yield timed(_same_pages, kernel, stage.scale.reads // 50, limit=limit, cursor=cursor)


def first_page(stage: Stage) -> Rounds:
    """The first page without the total, again and again."""
    while True:
        yield timed(_same_pages, stage.filled.kernel, stage.scale.reads // 50, limit=reading.PAGE, count=False)


def user_at_time(stage: Stage) -> Rounds:
    """What one user did within a hundredth of the time."""
    while True:
        yield timed(reading.read_queries, stage.filled.kernel, reading.user_at_time(stage.filled, 5))


def rare_command(stage: Stage) -> Rounds:
    """Every event of a rare command."""
    asked: Sequence[Query] = [Query(cmd=RARE_COMMAND)] * 5
    while True:
        yield timed(reading.read_queries, stage.filled.kernel, asked)


def _same_pages(kernel: Kernel, pages: int, **arguments: Any) -> int:
    for _ in range(pages):
        kernel.page(**arguments)
    return pages
