"""Deleting a projection: nothing of it stays, whoever works on it is asked first, and a killed delete is done again."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from eventlite import ConflictError, Kernel, NewEvent, Projection, ProjectionError, Snapshots
from eventlite.sourcing import consumer
from eventlite.sourcing.projections import book, removing

DEPOSITS = [NewEvent("opened", {"account": "a"}), *[NewEvent("deposited", {"account": "a", "cents": 5})] * 3]


def namespaces(kernel: Any, *names: str) -> list[int]:
    """How many records there are in each namespace."""
    with kernel.storage.snapshot() as snapshot:
        return [len(snapshot.state.list(name)) for name in names]


def test_records_go_with_everything_that_was_kept_about_them(twin: Any, sql_sections: dict[str, Any]) -> None:
    with Kernel.from_profile(**sql_sections) as kernel:
        projection = Projection("accounts", snapshots=Snapshots(every=2))
        projection.on("deposited")(lambda event, state: state.update({str(event.id): event.data["cents"]}))
        projection.reaction("deposited")(lambda event: None)
        kernel.project(projection)
        kernel.append_many(DEPOSITS)
        kernel.run_until_idle()
        kernel.rebuild("accounts")
        kernel.append_many(DEPOSITS)
        kernel.run_until_idle()
        assert projection.handle.snapshots == [8]
    left = ("projection:accounts:0", "projection:accounts:1", "projection:accounts:2", "snapshot", "snapshot.state")
    kernel = twin(sql_sections)
    assert namespaces(kernel, *left) == [0, 6, 0, 1, 1]
    kernel.delete_projection("accounts")
    assert namespaces(kernel, *left, book.NAMESPACE, consumer.NAMESPACE) == [0] * 7
    assert kernel.head() == 8


def test_one_of_the_same_name_begins_anew(kernel: Any, new_accounts: Callable[[], Projection]) -> None:
    kernel.append_many(DEPOSITS)
    with pytest.raises(ProjectionError, match="there is no projection 'accounts'"):
        kernel.delete_projection("accounts")
    kernel.project(new_accounts(), "inline")
    with pytest.raises(ConflictError, match="this kernel keeps projection 'accounts' up to date"):
        kernel.delete_projection("accounts")
    with pytest.raises(ProjectionError, match="is a text, not 5"):
        kernel.delete_projection(5)


def test_tables_are_dropped(
    twin: Any, sql_sections: dict[str, Any], new_tables: Callable[[], Projection], new_accounts: Any
) -> None:
    with Kernel.from_profile(**sql_sections) as kernel:
        kernel.project(new_tables(), "inline")
        kernel.append_many(DEPOSITS)
        kernel.rebuild("account-tables")
    kernel = twin(sql_sections)
    kernel.delete_projection("account-tables")
    with kernel.storage.snapshot() as snapshot, pytest.raises(Exception, match="accounts"):
        snapshot.connection.execute("SELECT * FROM accounts")
    handle = kernel.project(new_tables(), "inline")  # from the first event on
    assert handle.query("SELECT balance FROM {accounts}") == [(15,)]


def test_an_object_is_forgotten_and_stays_what_it_is(kernel: Any) -> None:
    with pytest.raises(ProjectionError):
        kernel.delete_projection("list")
    seen = Projection("list", into=[])
    seen.on("opened")(lambda event, state: state.append(event.id))
    kernel.append_many(DEPOSITS)
    sync = getattr(kernel, "kernel", kernel)
    book.enrol(sync, "list", None, "follow")
    kernel.delete_projection("list")
    assert namespaces(kernel, book.NAMESPACE, consumer.NAMESPACE) == [0, 0]


@pytest.mark.parametrize("which", [book.consumer_name, book.reaction_name, book.rebuild_name])
def test_who_works_on_it_is_asked_first(kernel: Any, new_accounts: Any, which: Callable[[str], str]) -> None:
    sync = getattr(kernel, "kernel", kernel)
    model = removing.RecordModel("accounts")
    book.enrol(sync, "accounts", model, "follow")
    hold = consumer.Hold(sync, which("accounts"))
    assert hold.acquire()
    with pytest.raises(ConflictError, match=r"process \d+ is at work on projection 'accounts'"):
        kernel.delete_projection("accounts")
    hold.release()
    kernel.delete_projection("accounts")


def test_a_delete_that_fails_half_way_leaves_an_empty_one_that_can_be_deleted(
    kernel: Any, new_accounts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = getattr(kernel, "kernel", kernel)
    model = removing.RecordModel("accounts")
    book.enrol(sync, "accounts", model, "follow")
    with sync.transaction() as transaction:
        for number in range(2500):
            transaction.state.put(model.live(0), f"={number}", {"": number})
        live = book.standing(transaction.state, "accounts")
        consumer.store(transaction.state, replace(live, position=0))
    with monkeypatch.context() as patch:
        patch.setattr(removing, "_forget", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            kernel.delete_projection("accounts")
    with sync.storage.snapshot() as snapshot:
        live = book.standing(snapshot.state, "accounts")
    assert (live.position, live.paused, live.generation) == (0, True, 1)
    kernel.delete_projection("accounts")
    assert namespaces(kernel, model.live(0), model.live(1), consumer.NAMESPACE) == [0, 0, 0]


def test_a_delete_that_is_killed_is_done_again(start: Any, shared: str, dice: Any, long: bool) -> None:
    deleting = """
import json, sys
from eventlite import Kernel
with Kernel.from_profile(**json.loads(sys.argv[1])) as kernel:
    print("deleting", flush=True)
    kernel.delete_projection("ids")
"""

    def ids() -> Projection:
        projection = Projection("ids")
        projection.on("x")(lambda event, state: state.update({str(event.id): 1}))
        return projection

    with Kernel.from_profile(**json.loads(shared)) as kernel:
        kernel.append_bulk([NewEvent("x")] * 3_000)
    for _ in range(20 if long else 2):
        with Kernel.from_profile(**json.loads(shared)) as kernel:
            state = kernel.project(ids(), "inline").state
            assert len(state) == 3_000
        process = start(deleting, shared)
        assert process.stdout.readline() == "deleting\n", process.stderr.read()
        time.sleep(dice.uniform(0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.wait(60)
        with Kernel.from_profile(**json.loads(shared)) as kernel:
            with suppress(ProjectionError):  # if it was done before it was killed
                kernel.delete_projection("ids")
            assert namespaces(kernel, book.NAMESPACE, consumer.NAMESPACE) == [0, 0]
