"""The tricks, and how to do without each."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from random import Random
from time import process_time
from typing import Any
from unittest.mock import patch
from uuid import UUID

from eventlite_sqlite import deferral, indexes, inserting, statements, transaction
from eventlite_sqlite.inserting import Insertion, placeholders
from eventlite_sqlite.storage import SqliteStorage

from benchmarks.peers.eventlite import without_correlation
from eventlite import NewEvent, drafting
from eventlite.bench import Measured, Stage
from eventlite.bench.rounds import Rounds
from eventlite.contracts import Index
from eventlite.event import COLUMNS, Draft, Row
from eventlite.kernel import Kernel


@dataclass(frozen=True)
class Load:
    """A way to load events into a new store."""

    name: str
    #: What the guide says of the trick that this load does without.
    trick: str = ""
    #: The load that has the trick and is otherwise the same.
    beside: str = "as it is"
    change: Callable[[list[NewEvent]], list[NewEvent]] = list
    batch_size: int | None = None
    #: While it is open, the trick is not done.
    off: Callable[[], AbstractContextManager[Any]] = nullcontext
    storage: Mapping[str, Any] = field(default_factory=dict)

    def rounds(self, stage: Stage) -> Rounds:
        """Loads into new stores of a profile."""
        while True:
            events = self.change(stage.events(stage.scale.events))
            with self.off(), stage.fresh() as kernel:
                measured = _append(kernel, events, self.batch_size)
            del events  # they are many, and others have their turn now
            yield measured


def _append(kernel: Kernel, events: Sequence[NewEvent], batch_size: int | None) -> Measured:
    """In processor time, which depends less on whatever else the machine does; waiting for the disk is left out."""
    gc.collect()
    start = process_time()
    done = kernel.append_bulk(events, batch_size).count
    return Measured(done, process_time() - start)


def _random_ids(events: list[NewEvent]) -> list[NewEvent]:
    """Ids of version 4, one for every ten events, as the others have them."""
    chance = Random(5)
    renamed: dict[str | None, str] = {}
    for event in events:
        if event.correlation_id not in renamed:
            renamed[event.correlation_id] = str(UUID(int=chance.getrandbits(128), version=4))
        event.correlation_id = renamed[event.correlation_id]
    return events


def _ids_one_by_one(_amount: int) -> Iterator[str]:
    return iter(drafting.new_correlation, "")


def _event_by_event(batch: drafting._Batch) -> None:
    for event in batch._events:
        batch._rows.append(batch._careful(event))


_INSERT_ALL = Insertion("event", COLUMNS[1:], placeholders(len(COLUMNS) - 1))


def _every_column(drafts: Sequence[Draft]) -> tuple[Insertion, Sequence[Draft]]:
    return _INSERT_ALL, drafts


def _rows_at_once(first: int, drafts: Sequence[Draft]) -> list[Row]:
    return [(id, *draft) for id, draft in enumerate(drafts, first)]


def _no_deferral(_storage: SqliteStorage, _expected: int | None) -> AbstractContextManager[None]:
    return nullcontext()


_created = indexes.create


def _whole_index(index: Index) -> str:
    return _created(index).replace(" WHERE causation_id IS NOT NULL", "")


LOADS = (
    Load("as it is"),
    Load("as it is, generated ids", change=without_correlation),
    Load("batches of 100", "transactions as large as the storage says, not of 100 events", batch_size=100),
    Load("batches of 1,000", "transactions as large as the storage says, not of 1,000", batch_size=1_000),
    Load("batches of 10,000", "transactions as large as the storage says, not of 10,000", batch_size=10_000),
    Load(
        "one by one",
        "fifty events with each statement, not one",
        off=partial(patch.object, inserting, "TOGETHER", 2**31),
    ),
    Load("random ids", "correlation ids that grow with time, not random ones", change=_random_ids),
    Load(
        "ids one by one",
        "new correlation ids made in series",
        "as it is, generated ids",
        without_correlation,
        off=partial(patch.object, drafting, "new_correlations", _ids_one_by_one),
    ),
    Load(
        "indexes at once",
        "indexes built after the load",
        off=partial(patch.object, SqliteStorage, "bulk_load", _no_deferral),
    ),
    Load(
        "large sort",
        "indexes sorted in 2 MiB, not in the 16 of the page cache",
        off=partial(patch.object, deferral, "sorting", nullcontext),
    ),
    Load(
        "whole index",
        "an index on causes that leaves out events without",
        off=partial(patch.object, indexes, "create", _whole_index),
    ),
    Load(
        "event by event",
        "plain events drafted in one loop, without calls",
        off=partial(patch.object, drafting._Batch, "_draft_all", _event_by_event),
    ),
    Load(
        "every column",
        "plain events as nine values: what is the same in all is not bound",
        off=partial(patch.object, statements, "insertion", _every_column),
    ),
    Load(
        "rows at once",
        "rows made only when somebody looks",
        off=partial(patch.object, transaction, "NumberedRows", _rows_at_once),
    ),
    Load("small pages", "pages of 8 KiB, not of 4", storage={"page_size": 4096}),
)
