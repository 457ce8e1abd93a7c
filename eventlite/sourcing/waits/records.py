"""Where waits are kept: the open ones apart from the closed ones, so that history slows nothing down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eventlite.sourcing.waits.wait import OPEN_STATES, Wait, dump_wait, load_wait

if TYPE_CHECKING:
    from eventlite.contracts.state import Record, StateReader, StateStore

_OPEN = "wait"
_CLOSED = "wait-closed"
_NUMBER = "wait-number"

#: Records read at once.
_BATCH = 500


def add(state: StateStore, wait: Wait) -> Wait:
    """Keep a new wait, and give it the next number."""
    last = state.get(_NUMBER, "last")
    number = 1 if last is None else last.value["id"] + 1
    state.put(_NUMBER, "last", {"id": number})
    numbered = replace(wait, id=number)
    state.put(_OPEN, _name(number), dump_wait(numbered), due=numbered.due)
    return numbered


def save(state: StateStore, wait: Wait, now: int) -> None:
    """Keep a wait as it is now, where its state belongs; of a closed one also when that was."""
    if wait.state in OPEN_STATES:
        state.put(_OPEN, _name(wait.id), dump_wait(wait), due=wait.due)
    else:
        state.delete(_OPEN, _name(wait.id))
        state.put(_CLOSED, _name(wait.id), dump_wait(wait), due=now)


def forget_closed(state: StateStore, until: int) -> int:
    """Forget waits that were closed by then, some at a time, those that were closed first; how many it were."""
    records = state.due(_CLOSED, until, limit=_BATCH)
    for record in records:
        state.delete(_CLOSED, record.name)
    return len(records)


def find(state: StateReader, id: int) -> Wait | None:
    """The wait of that number, or None."""
    return find_open(state, id) or _find(state, _CLOSED, id)


def find_open(state: StateReader, id: int) -> Wait | None:
    """The wait of that number if it is pending or ready, or None."""
    return _find(state, _OPEN, id)


def open_waits(state: StateReader, after: int = 0) -> Iterator[Wait]:
    """Every pending and ready wait with a larger number, in order."""
    return _all(state, _OPEN, after)


def stored_conditions(state: StateReader, after: int = 0) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The number and the condition, as JSON, of every pending and ready wait with a larger number, in order."""
    return ((int(record.name), record.value["condition"]) for record in _records(state, _OPEN, after))


def closed_waits(state: StateReader, after: int = 0) -> Iterator[Wait]:
    """Every executed, expired and cancelled wait with a larger number, in order."""
    return _all(state, _CLOSED, after)


def any_open(state: StateReader) -> bool:
    """Whether there is a pending or ready wait."""
    return bool(state.list(_OPEN, limit=1))


def due_waits(state: StateReader, now: int) -> list[Wait]:
    """Waits that are ready, or whose deadline has come; some at a time, the earliest first."""
    return [load_wait(int(record.name), record.value) for record in state.due(_OPEN, now, limit=_BATCH)]


def _name(id: int) -> str:
    return f"{id:016}"  # names sort as text


def _find(state: StateReader, namespace: str, id: int) -> Wait | None:
    record = state.get(namespace, _name(id))
    return None if record is None else load_wait(id, record.value)


def _all(state: StateReader, namespace: str, after: int) -> Iterator[Wait]:
    return (load_wait(int(record.name), record.value) for record in _records(state, namespace, after))


def _records(state: StateReader, namespace: str, after: int) -> Iterator[Record]:
    name = _name(after)
    while records := state.list(namespace, after=name, limit=_BATCH):
        yield from records
        name = records[-1].name
