"""Curves: what every index costs a load, and how figures change while a store grows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import TypeAlias

from eventlite.bench import reading
from eventlite.bench.events import made_up_events
from eventlite.bench.results import Curve, Figure, figure
from eventlite.bench.rounds import Measured, Rounds, interleave, timed
from eventlite.bench.stage import Filled, Scale, Stage
from eventlite.bench.writing import append_all, append_each
from eventlite.contracts import INDEXES
from eventlite.kernel import Kernel

#: Draws curves over some stages; told what is being done.
Curves: TypeAlias = Callable[[Sequence[Stage], Scale, Callable[[str], None]], list[Curve]]


def growing(smallest: int, scale: Scale) -> Iterator[tuple[str, str, Callable[[Filled], Measured]]]:
    """What `growth` measures at each size, always as much of it: names, units and probes."""
    limit, reads = reading.page_size(smallest), min(2_000, scale.reads)
    yield "append", "events", lambda filled: append(filled, min(1_000, scale.appends))
    yield "get", "reads", lambda filled: reading.get(filled, reads)
    yield "correlation", "reads", lambda filled: reading.correlation(filled, reads)
    yield "page-deep", "pages", lambda filled: reading.pages_from(filled, reading.DEPTH, limit, reads)


def append(filled: Filled, appends: int) -> Measured:
    """One append after the other."""
    return timed(append_each, filled.kernel, list(islice(made_up_events(), appends)))


def index_cost(stages: Sequence[Stage], scale: Scale, tell: Callable[[str], None]) -> list[Curve]:
    """The rate of a bulk load with none to all of the switchable indexes."""
    numbers = range(len(INDEXES) + 1)
    indexed = [stage for stage in stages if _has_indexes(stage)]
    contestants = {
        (stage.label, number): _load(stage, max(10, scale.events // 5), number)
        for stage in indexed
        for number in numbers
    }
    tell("index-cost")
    rates = interleave(contestants, scale.rounds).rates
    return [
        Curve(
            "index-cost",
            "bulk load by number of indexes",
            "indexes",
            [(number, figure("bulk", stage.label, "events", rates[stage.label, number])) for number in numbers],
        )
        for stage in indexed
    ]


def growth(
    stages: Sequence[Stage],
    scale: Scale,
    tell: Callable[[str], None],
    sizes: Sequence[int] | None = None,
    beside: int | None = None,
) -> list[Curve]:
    """Rates of small work at growing sizes of the store, up to `scale.events`.

    With `beside`, a second store of each stage keeps to that size and takes turns with the growing one: what differs
    between the two is the size, and not what else the machine did at that hour.
    """
    sizes = sizes or decades(scale.events)
    points: dict[tuple[str, str], list[tuple[float, Figure]]] = {}
    with ExitStack() as stack:
        stores = {stage.label: Filled(stack.enter_context(stage.fresh())) for stage in stages}
        steady = _steady(stages, beside, stack) if beside else {}
        for size in sizes:
            tell(f"growth, {size:,} events")
            for store in stores.values():
                store.fill(size)
            for found in _at_one_size({**stores, **steady}, sizes[0], scale):
                points.setdefault((found.workload, found.contestant), []).append((size, found))
    return [
        Curve(f"growth-{name}", f"{name} by events in the store", "events in the store", along)
        for (name, _), along in points.items()
    ]


CURVES: Mapping[str, Curves] = {"index-cost": index_cost, "growth": growth}


def decades(most: int) -> list[int]:
    """Two sizes for each power of ten, from a hundredth of the largest on, but not below 1,000."""
    sizes, size = {most}, most
    while size > max(1_000, most // 100):
        sizes.add(round(size / 10**0.5))
        size //= 10
        sizes.add(size)
    return sorted(sizes)


def steady_label(label: str, size: int) -> str:
    """What the store that keeps to a size is called in figures."""
    return f"{label}, {size:,} events"


def _steady(stages: Sequence[Stage], size: int, stack: ExitStack) -> dict[str, Filled]:
    stores = {steady_label(stage.label, size): Filled(stack.enter_context(stage.fresh())) for stage in stages}
    for store in stores.values():
        store.fill(size)
    return stores


def _at_one_size(stores: Mapping[str, Filled], smallest: int, scale: Scale) -> Iterator[Figure]:
    for name, unit, probe in growing(smallest, scale):
        contestants = {label: _repeat(probe, store) for label, store in stores.items()}
        for label, rates in interleave(contestants, scale.rounds).rates.items():
            yield figure(name, label, unit, rates)


def _repeat(probe: Callable[[Filled], Measured], filled: Filled) -> Rounds:
    while True:
        yield probe(filled)


def _load(stage: Stage, amount: int, number: int) -> Rounds:
    """Bulk loads into new stores that have the first so many indexes."""
    while True:
        events = stage.events(amount)
        with stage.fresh() as kernel:
            _set_indexes(kernel, number)
            measured = timed(append_all, kernel, events)
        del events  # they are many, and others have their turn now
        yield measured


def _set_indexes(kernel: Kernel, number: int) -> None:
    for index in kernel.storage.indexes():
        kernel.storage.drop_index(index.name)
    for index in list(INDEXES.values())[:number]:
        kernel.storage.create_index(index)


def _has_indexes(stage: Stage) -> bool:
    with stage.fresh() as kernel:
        return kernel.storage.capabilities.indexes
