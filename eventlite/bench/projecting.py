"""Workloads of projections: what an inline one costs an append, and how fast others follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count

from eventlite.bench.rounds import LeftOut, Rounds, timed
from eventlite.bench.stage import Filled, Stage
from eventlite.bench.workload import Workload
from eventlite.bench.writing import append_all, append_each
from eventlite.errors import ProjectionError
from eventlite.event import Event
from eventlite.kernel import Kernel
from eventlite.sourcing.projection import Projection
from eventlite.sourcing.projections.records import RecordState
from eventlite.sourcing.projections.tables import TableState

_TABLE = "CREATE TABLE {%s} (id BIGINT PRIMARY KEY, order_id TEXT NOT NULL, amount DOUBLE PRECISION NOT NULL)"


def by_state(number: int) -> Projection:
    """An order per record: how many things of it, and for how much."""
    projection = Projection(f"orders-{number}")

    @projection.on()
    def add(event: Event, state: RecordState) -> None:
        data = event.data
        order = state.get(data["order"])
        if order is None:
            state[data["order"]] = {"count": data["count"], "amount": data["amount"]}
        else:
            order["count"] += data["count"]
            order["amount"] += data["amount"]

    return projection


def by_sql(number: int) -> Projection:
    """A row per event."""
    table = f"lines_{number}"
    insert = f"INSERT INTO {{{table}}} VALUES (?, ?, ?)"
    projection = Projection(f"lines-{number}", tables={table: _TABLE % table})

    @projection.on()
    def add(event: Event, state: TableState) -> None:
        data = event.data
        state.execute(insert, (event.id, data["order"], data["amount"]))

    return projection


def follow(stage: Stage, make: Callable[[int], Projection]) -> Rounds:
    """A projection that is new in each round follows from the first event to the last."""
    with stage.fresh() as kernel:
        Filled(kernel).fill(stage.scale.events)
        for number in count(1):
            try:
                kernel.project(make(number))
            except ProjectionError as error:
                raise LeftOut("its storage has no SQL") from error
            yield timed(kernel.run_until_idle)


def inline(stage: Stage) -> Rounds:
    """Appends one by one with a projection in their transactions."""
    with projected(stage) as kernel:
        while True:
            yield timed(append_each, kernel, stage.events(stage.scale.appends))


def inline_bulk(stage: Stage) -> Rounds:
    """Appends in bulk with a projection in their transactions."""
    with projected(stage) as kernel:
        while True:
            yield timed(append_all, kernel, stage.events(10 * stage.scale.appends))


@contextmanager
def projected(stage: Stage) -> Iterator[Kernel]:
    """A kernel over a new store, with an inline projection."""
    with stage.fresh() as kernel:
        kernel.project(by_state(1), "inline")
        yield kernel


WORKLOADS = (
    Workload("inline", "events", "one append after the other, with an inline projection", inline),
    Workload("inline-bulk", "events", "append_bulk with an inline projection", inline_bulk),
    Workload("project-state", "events", "a projection that follows, by records", partial(follow, make=by_state)),
    Workload("project-sql", "events", "a projection that follows, by rows of a table", partial(follow, make=by_sql)),
)
