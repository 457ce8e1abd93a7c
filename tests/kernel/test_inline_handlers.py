"""Handlers inside the transaction of every append."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from eventlite import EventLiteError, HandlerError, NewEvent


def raw(kernel: Any) -> Any:
    """The synchronous kernel below either twin."""
    return kernel.kernel if hasattr(kernel, "kernel") else kernel


def count(transaction: Any, rows: Any) -> None:
    """Keep the number of events beside them, and refuse those that say so."""
    record = transaction.state.get("test", "count")
    seen = record.value["n"] if record else 0
    if any(row[5] == "bad" for row in rows):
        raise ValueError("it is bad")
    transaction.state.put("test", "count", {"n": seen + len(rows)})


def counted(kernel: Any) -> int:
    with kernel.storage.snapshot() as snapshot:
        record = snapshot.state.get("test", "count")
        return record.value["n"] if record else 0


def test_a_handler_runs_in_the_transaction_of_every_append(kernel: Any) -> None:
    raw(kernel).inside_appends(count)
    kernel.append("a")
    kernel.append_many([NewEvent("a"), NewEvent("b")])
    kernel.append_bulk([NewEvent("a") for _ in range(7)], batch_size=3)
    with raw(kernel).transaction() as transaction:
        transaction.append(raw(kernel).prepare([NewEvent("a")]))
    assert counted(kernel) == kernel.head() == 11


def test_a_handler_that_raises_refuses_the_append_and_nothing_is_kept(kernel: Any) -> None:
    raw(kernel).inside_appends(count)
    kernel.append("a")
    with pytest.raises(HandlerError, match="it is bad") as refused:
        kernel.append_many([NewEvent("a"), NewEvent("bad")])
    assert isinstance(refused.value.__cause__, ValueError)
    with pytest.raises(HandlerError), raw(kernel).transaction() as transaction:
        transaction.append(raw(kernel).prepare([NewEvent("bad")]))
    assert counted(kernel) == kernel.head() == 1


def test_a_handler_cannot_append(kernel: Any) -> None:
    raw(kernel).inside_appends(lambda transaction, rows: raw(kernel).append("more"))
    with pytest.raises(EventLiteError, match="inside a transaction"):
        kernel.append("a")
    assert kernel.head() == 0


def test_of_appends_committed_together_only_the_refused_ones_fail(kernel: Any) -> None:
    raw(kernel).inside_appends(count)
    commit, answers = raw(kernel).commit, []
    requests = [raw(kernel).prepare([NewEvent(cmd)]) for cmd in ("a", "bad", "b", "bad", "c")]
    answers = [type(outcome).__name__ for outcome in commit(requests)]
    assert answers == ["Committed", "HandlerError", "Committed", "HandlerError", "Committed"]
    assert counted(kernel) == kernel.head() == 3


def test_threads_with_a_handler_lose_nothing(kernel: Any) -> None:
    raw(kernel).inside_appends(count)
    threads = [threading.Thread(target=raw(kernel).append, args=("a",)) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert counted(kernel) == kernel.head() == 32


def test_a_handler_is_not_called_for_what_was_known(kernel: Any) -> None:
    raw(kernel).inside_appends(count)
    kernel.append("a", key="k")
    kernel.append("a", key="k")
    assert counted(kernel) == 1
