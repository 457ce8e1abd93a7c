"""Keeping state in the store's records: a namespace for each generation."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterator, Mapping, ValuesView
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any

from eventlite.jsontext import canonical
from eventlite.sourcing.projections.model import Difference, View
from eventlite.sourcing.projections.records import Nothing, RecordState, batches, key_of, name_of

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.state import Record
    from eventlite.contracts.storage import Transaction


class RecordModel:
    """See `eventlite.sourcing.projections.model.Model`."""

    def __init__(self, name: str) -> None:
        self._name = name

    def describe(self) -> dict[str, Any]:
        """Records are all alike."""
        return {"kind": "records"}

    def live(self, generation: int) -> str:
        """A namespace."""
        return f"projection:{self._name}:{generation}"

    shadow = live

    def create(self, transaction: Transaction, place: str) -> None:
        """There is nothing to make."""

    @contextmanager
    def change(self, transaction: Transaction, place: str) -> Iterator[RecordState]:
        """A mapping over the transaction's records."""
        state = RecordState(records := transaction.state, place)
        yield state
        state.flush(records)

    def read(self, host: Host, place: Callable[[View], str]) -> LiveRecords:
        """A mapping that looks into the store at every use."""
        return LiveRecords(host, place)

    def rows(self, view: View, place: str) -> Iterator[bytes]:
        """Keys and values."""
        for record in chain.from_iterable(batches(view.state, place)):
            yield canonical([key_of(record), record.value[""]])

    def differences(self, view: View, live: str, rebuilt: str, limit: int) -> tuple[int, list[Difference]]:
        """By key."""
        count = 0
        first: list[Difference] = []
        for key, one, other in _side_by_side(_values(view, live), _values(view, rebuilt)):
            if canonical(one) != canonical(other):
                count += 1
                if len(first) < limit:
                    first.append(Difference(key, one and one[0], other and other[0]))
        return count, first

    def settle(self, transaction: Transaction, generation: int) -> None:
        """The generation in the consumer's record says it all."""

    def discard(self, host: Host, place: str) -> None:
        """Remove a namespace."""
        while True:
            with host.transaction() as transaction:
                records = transaction.state.list(place)
                for record in records:
                    transaction.state.delete(place, record.name)
            if not records:
                return

    def past(self, host: Host) -> PastRecords:  # noqa: ARG002 - memory is enough
        """A mapping in memory."""
        return PastRecords()


class PastRecords:
    """A state in memory."""

    def __init__(self) -> None:
        self._state = RecordState(Nothing(), "")

    @contextmanager
    def change(self) -> Iterator[RecordState]:
        """One mapping for all batches."""
        yield self._state

    def result(self) -> dict[str, Any]:
        """A plain dict, in the order of its keys."""
        return dict(self._state)

    def close(self) -> None:
        """There is nothing to let go of."""


class LiveRecords(Mapping[str, Any]):
    """The latest committed state, in any process: it looks into the store at every use. Values are copies."""

    def __init__(self, host: Host, place: Callable[[View], str]) -> None:
        self._host = host
        self._place = place

    def __getitem__(self, key: str) -> Any:
        if not isinstance(key, str):
            raise KeyError(key)
        with self._host.storage.snapshot() as snapshot:
            record = snapshot.state.get(self._place(snapshot), name_of(key))
        if record is None:
            raise KeyError(key)
        return record.value[""]

    def __iter__(self) -> Iterator[str]:
        return map(key_of, self._records())

    def __len__(self) -> int:
        return sum(1 for _ in self._records())

    def items(self) -> ItemsView[str, Any]:
        """Keys and values, read a thousand at a time."""
        return self.copy().items()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self.copy().values()

    def copy(self) -> dict[str, Any]:
        """The whole state as of one moment, as a dict in the order of its keys."""
        with self._host.storage.snapshot() as snapshot:
            records = chain.from_iterable(batches(snapshot.state, self._place(snapshot)))
            return {key_of(record): record.value[""] for record in records}

    def __eq__(self, other: object) -> bool:
        return self.copy() == (other.copy() if isinstance(other, LiveRecords) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<LiveRecords {self.copy()!r}>"

    def _records(self) -> Iterator[Record]:
        """All records, a batch per look, so that nothing is held open in between."""
        after = ""
        while found := self._batch(after):
            yield from found
            after = found[-1].name

    def _batch(self, after: str) -> list[Record]:
        with self._host.storage.snapshot() as snapshot:
            return snapshot.state.list(self._place(snapshot), after=after)


def _values(view: View, place: str) -> Iterator[tuple[str, list[Any]]]:
    """Every key with its value in a list, so that None is a value, too."""
    for record in chain.from_iterable(batches(view.state, place)):
        yield key_of(record), [record.value[""]]


def _side_by_side(
    live: Iterator[tuple[str, list[Any]]], rebuilt: Iterator[tuple[str, list[Any]]]
) -> Iterator[tuple[str, list[Any] | None, list[Any] | None]]:
    """Both in one pass, by key; None where one has no such key."""
    one, other = next(live, None), next(rebuilt, None)
    while one or other:
        key = min(each[0] for each in (one, other) if each)
        here, there = one if one and one[0] == key else None, other if other and other[0] == key else None
        yield key, here and here[1], there and there[1]
        one = next(live, None) if here else one
        other = next(rebuilt, None) if there else other
