"""What the parts of the storage suite share: the store under test and short ways to write to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from eventlite.contracts import CommitRequest, Committed, EventReader, Outcome, Storage
from eventlite.drafting import draft_batch, now
from eventlite.errors import EventLiteError
from eventlite.event import NewEvent, Row
from eventlite.query import Condition, Query

_Error = TypeVar("_Error", bound=EventLiteError)
_Result = TypeVar("_Result")

#: More events than any test here stores.
PLENTY = 10_000

#: Seconds after which a thread that should have ended is taken for stuck.
PATIENCE = 30.0


class StorageSuite:
    """The store under test."""

    covers: ClassVar[str]

    def open_storage(self, place: Path) -> Storage:
        """Open the store of that place, which is new the first time.

        Other places are other stores. A persistent storage opens the same store again when it is closed and the place
        is given once more; one that can back up opens the copy when the place is the target of `backup`.
        """
        raise NotImplementedError("define open_storage(place)")

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    @pytest.fixture
    def storage(self, place: Path) -> Iterator[Storage]:
        with closing(self.open_storage(place)) as storage:
            yield storage


def event(cmd: str = "happened", **fields: Any) -> NewEvent:
    """A new event of which only the named fields matter."""
    return NewEvent(cmd, **fields)


def batch(*events: NewEvent, condition: Condition | None = None, recorded: int | None = None) -> CommitRequest:
    """A request as the kernel makes it."""
    return draft_batch(events, condition, recorded=now() if recorded is None else recorded)


def imported(ids: Sequence[int], *events: NewEvent, keep_dangling: bool = False) -> CommitRequest:
    """A request as an import makes it."""
    return replace(batch(*events), ids=ids, keep_dangling=keep_dangling)


def accepted(outcome: Outcome) -> list[Row]:
    """The rows of an outcome; raises its refusal."""
    if isinstance(outcome, Committed):
        return list(outcome.rows)
    raise outcome


def refused(outcome: Outcome, kind: type[_Error]) -> _Error:
    """The refusal of an outcome, which must be of that kind."""
    assert type(outcome) is kind
    return outcome


def offer(storage: Storage, *events: NewEvent, condition: Condition | None = None) -> Outcome:
    """What became of a batch."""
    (outcome,) = storage.commit([batch(*events, condition=condition)])
    return outcome


def append(storage: Storage, *events: NewEvent, condition: Condition | None = None) -> list[Row]:
    """The rows of a batch that must be accepted."""
    return accepted(offer(storage, *events, condition=condition))


def append_one(storage: Storage, new: NewEvent | None = None) -> Row:
    """The row of one event that must be accepted."""
    return append(storage, event() if new is None else new)[0]


def everything(reader: EventReader) -> list[Row]:
    """All events."""
    return reader.read(Query(), limit=PLENTY)


def in_background(call: Callable[..., _Result], *arguments: object) -> Future[_Result]:
    """A call in a thread of its own, for which nobody waits when it is stuck."""
    future = Future[_Result]()

    def run() -> None:
        try:
            future.set_result(call(*arguments))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def elsewhere(call: Callable[..., _Result], *arguments: object) -> _Result:
    """The result of a call in another thread."""
    return in_background(call, *arguments).result(PATIENCE)
