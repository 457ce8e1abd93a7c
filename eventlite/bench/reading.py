"""Workloads that read a filled store. Unless it is about the cache, what is asked was not asked before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count as count_from
from typing import TypeAlias

from eventlite.bench.events import COMMANDS, RARE_COMMAND, tagged_events
from eventlite.bench.rounds import LeftOut, Measured, Rounds, timed
from eventlite.bench.stage import Filled, Stage
from eventlite.bench.workload import Workload
from eventlite.event import Event
from eventlite.kernel import Kernel
from eventlite.query import Query

#: One round over a filled store; the number is how many small reads it is about.
Probe: TypeAlias = Callable[[Filled, int], Measured]

#: Events of a page.
PAGE = 100

#: How far down the store `page_deep` begins.
DEPTH = 0.9

#: Queries in a round.
_QUERIES = 10

_NUMBERS = count_from(1)


def get(filled: Filled, reads: int) -> Measured:
    """Events by id, from all over the store."""
    ids = [event.id for event in filled.sample(reads)]
    filled.kernel.cache.clear()
    return timed(_get_each, filled.kernel, ids)


def get_cached(filled: Filled, reads: int) -> Measured:
    """A few events by id, again and again."""
    ids = [event.id for event in filled.sample(min(100, _room(filled.kernel)))]
    _get_each(filled.kernel, ids)
    return timed(_get_each, filled.kernel, (ids * (4 * reads // len(ids) + 1))[: 4 * reads])


def correlation(filled: Filled, reads: int) -> Measured:
    """All events of a correlation, ten of them."""
    ids = list({event.correlation_id: None for event in filled.sample(max(1, reads // 5))})
    filled.kernel.cache.clear()
    return timed(_read_correlations, filled.kernel, ids)


def tagged(stage: Stage) -> Rounds:
    """All events with a tag, ten of them, in a store of its own: the other workloads read events without tags."""
    with stage.fresh() as kernel:
        filled = Filled(kernel, tagged_events())
        filled.fill(stage.scale.events)
        while True:
            asked = {event.tags: None for event in filled.sample(max(1, stage.scale.reads // 5))}
            kernel.cache.clear()
            yield timed(read_queries, kernel, [Query(tags=tags) for tags in asked])


def page_first(filled: Filled, _reads: int) -> Measured:
    """The first page of each command, with the total."""
    filled.kernel.cache.clear()
    return timed(_first_pages, filled.kernel)


def page_deep(filled: Filled, reads: int) -> Measured:
    """Pages by cursor from far down the store on, one behind the other."""
    return pages_from(filled, DEPTH, page_size(filled.size), reads)


def page_size(size: int) -> int:
    """Events of a page, fewer in a store so small that it would not hold twenty pages at its end."""
    return max(1, min(PAGE, size // 200))


def pages_from(filled: Filled, depth: float, limit: int, reads: int) -> Measured:
    """Pages by cursor, one behind the other; the first is the second behind `depth`, a part of the store."""
    start = filled.kernel.page(limit=limit, offset=int(depth * filled.size))
    filled.kernel.cache.clear()
    return timed(_next_pages, filled.kernel, start.next_cursor, limit, max(1, reads // 100))


def stream(filled: Filled, _reads: int) -> Measured:
    """Every event, its payload decoded."""
    return timed(touch_everything, filled.kernel)


def follow(filled: Filled, _reads: int) -> Measured:
    """Every event through the handler of a subscription with a name of its own, its payload decoded."""
    subscription = filled.kernel.subscribe(Query(), name=f"follow-{next(_NUMBERS)}")
    return timed(lambda: subscription.run(_decode, idle_after=0))


def query(filled: Filled, _reads: int) -> Measured:
    """What a user did at some time, and every event of a rare command, by turns."""
    asked = [*user_at_time(filled, _QUERIES // 2), *[Query(cmd=RARE_COMMAND)] * (_QUERIES // 2)]
    return timed(read_queries, filled.kernel, asked)


def count(filled: Filled, _reads: int) -> Measured:
    """How many events have a command."""
    return timed(_count_each, filled.kernel, COMMANDS)


def user_at_time(filled: Filled, amount: int) -> list[Query]:
    """Queries for one user within a hundredth of the store's time."""
    span = filled.size // 100 * dt.timedelta(minutes=1) / 100
    return [
        Query(user=event.user, since=event.datetime, until=event.datetime + span) for event in filled.sample(amount)
    ]


def read_queries(kernel: Kernel, queries: Sequence[Query]) -> int:
    """Read all that matches, query by query."""
    for asked in queries:
        list(kernel.read(asked))
    return len(queries)


def touch_everything(kernel: Kernel) -> int:
    """Stream all events and decode every payload."""
    return sum(_touch(events) for events in kernel.stream())


def pass_everything(kernel: Kernel) -> int:
    """Stream all events and decode none."""
    return sum(map(len, kernel.stream()))


def workload(probe: Probe) -> Callable[[Stage], Rounds]:
    """Rounds of a probe over the shared store."""
    return partial(_rounds, probe)


def _rounds(probe: Probe, stage: Stage) -> Rounds:
    while True:
        yield probe(stage.filled, stage.scale.reads)


def _room(kernel: Kernel) -> int:
    """How many answers the cache holds."""
    room = kernel.cache.stats().max_size
    if not room:
        raise LeftOut("its profile caches nothing")
    return room


def _get_each(kernel: Kernel, ids: Sequence[int]) -> int:
    for id in ids:
        kernel.get(id)
    return len(ids)


def _read_correlations(kernel: Kernel, ids: Sequence[str]) -> int:
    for id in ids:
        kernel.by_correlation(id)
    return len(ids)


def _first_pages(kernel: Kernel) -> int:
    for cmd in COMMANDS:
        kernel.page(Query(cmd=cmd), limit=PAGE)
    return len(COMMANDS)


def _next_pages(kernel: Kernel, cursor: str | None, limit: int, most: int) -> int:
    pages = 0
    while cursor is not None and pages < most:
        cursor = kernel.page(limit=limit, cursor=cursor).next_cursor
        pages += 1
    return pages


def _decode(event: Event) -> None:
    _ = event.data


def _touch(events: list[Event]) -> int:
    return len([event.data for event in events])


def _count_each(kernel: Kernel, commands: Sequence[str]) -> int:
    for cmd in commands:
        kernel.count(Query(cmd=cmd))
    return len(commands)


WORKLOADS = (
    Workload("get", "reads", "one event by id, not read before", workload(get)),
    Workload("get-cached", "reads", "one event by id, read before", workload(get_cached)),
    Workload("correlation", "reads", "the ten events of a correlation, not read before", workload(correlation)),
    Workload("tagged", "reads", "the ten events of a tag, not read before", tagged),
    Workload(
        "page-first", "pages", f"the first {PAGE} events of a command, and how many there are", workload(page_first)
    ),
    Workload("page-deep", "pages", f"{PAGE} events by cursor, {DEPTH:.0%} down the store", workload(page_deep)),
    Workload("stream", "events", "every event in order, its payload decoded", workload(stream)),
    Workload("follow", "events", "every event through a subscription's handler, its payload decoded", workload(follow)),
    Workload("query", "queries", "one user within some hours, or a rare command", workload(query)),
    Workload("count", "counts", "how many events have a command", workload(count)),
)
