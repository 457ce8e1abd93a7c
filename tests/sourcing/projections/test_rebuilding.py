"""Rebuilding beside the live state: compared, swapped, never in the way, and never half done."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from eventlite import HandlerError, Kernel, NewEvent, Projection, ProjectionError
from eventlite.sourcing.consumer import Hold
from eventlite.sourcing.projections.book import rebuild_name


def sync(kernel: Any) -> Kernel:
    """The synchronous kernel below either twin."""
    return kernel.kernel if hasattr(kernel, "kernel") else kernel


def moves(count: int, account: str = "a") -> list[NewEvent]:
    return [NewEvent("deposited", {"account": account, "cents": n}) for n in range(1, count + 1)]


def opened(*names: str) -> list[NewEvent]:
    return [NewEvent("opened", {"account": name}) for name in names]


def shadows(kernel: Kernel) -> list[str]:
    """Tables that a rebuild left behind."""
    found = "SELECT name FROM sqlite_master WHERE type = 'table'"
    if kernel.storage.capabilities.sql == "postgresql":
        found = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
    with kernel.storage.snapshot() as snapshot:
        rows = snapshot.connection.execute(found).fetchall()
    return [name for (name,) in rows if "__" in name]


@pytest.mark.parametrize("mode", ["inline", "follow"])
def test_what_is_rebuilt_equals_what_was_live(kernel: Any, new_accounts: Any, mode: str) -> None:
    projection = new_accounts()
    kernel.append_many([*opened("a", "b"), *moves(2_500), NewEvent("closed", {"account": "b"})])
    handle = kernel.project(projection, mode)
    kernel.run_until_idle()
    told: list[tuple[int, int]] = []
    before = handle.state.copy()
    report = kernel.rebuild("accounts", progress=lambda done, total: told.append((done, total)))
    assert report.equal and report.swapped and report.differing == 0 and report.differences == []
    assert (report.position, report.events, report.live, report.live.rows) == (2_503, 2_503, report.rebuilt, 2)
    assert told[-1] == (2_503, 2_503) and len(told) == 3
    assert handle.state == before
    kernel.append_many(moves(3))
    kernel.run_until_idle()
    assert handle.state["a"]["balance"] == before["a"]["balance"] + 6
    assert kernel.rebuild(projection).equal


def test_a_live_state_that_went_wrong_is_shown_and_mended(kernel: Any, new_accounts: Any) -> None:
    projection = new_accounts()
    kernel.project(projection, "inline")
    kernel.append_many([*opened("a", "b", "c"), *moves(3)])
    namespace = projection.handle.model.live(0)
    with sync(kernel).transaction() as transaction:
        transaction.state.put(namespace, "=a", {"": {"balance": -1}})
        transaction.state.delete(namespace, "=b")
        transaction.state.put(namespace, "=z", {"": None})
    found = kernel.verify_projection("accounts")
    assert not found.equal and not found.swapped and found.differing == 3
    assert [(each.where, each.live, each.rebuilt) for each in found.differences] == [
        ("a", {"balance": -1}, {"balance": 6, "moves": [1, 2, 3]}),
        ("b", None, {"balance": 0, "moves": []}),
        ("z", None, None),
    ]
    assert projection.state["a"] == {"balance": -1}
    assert kernel.rebuild("accounts").differing == 3
    assert kernel.verify_projection("accounts").equal
    assert "z" not in projection.state and projection.state["a"]["balance"] == 6


def test_tables_are_rebuilt_compared_and_swapped(sql_kernel: Any, new_tables: Any) -> None:
    handle = sql_kernel.project(new_tables(), "inline")
    sql_kernel.append_many([*opened("a", "b"), *moves(1_500)])
    assert sql_kernel.rebuild("account-tables").equal
    with sync(sql_kernel).transaction() as transaction:
        transaction.connection.execute("UPDATE accounts SET balance = 7 WHERE account = 'a'")
        transaction.connection.execute("DELETE FROM moves WHERE cents < 3")
    found = sql_kernel.verify_projection("account-tables")
    assert found.differing == 4
    assert [each.where for each in found.differences] == ["accounts", "accounts", "moves", "moves"]
    assert found.differences[0].live == ["a", 7] and found.differences[2].rebuilt == [3, "a", 1]
    for _ in range(3):  # names of indexes do not get in the way of later ones
        sql_kernel.rebuild("account-tables")
        sql_kernel.append_many(moves(1))
    assert sql_kernel.verify_projection("account-tables").equal
    assert handle.query("SELECT count(*) FROM {moves}") == [(1_503,)]
    assert shadows(sync(sql_kernel)) == []


def test_other_tables_than_before_need_a_rebuild(sql_sections: dict[str, Any], new_tables: Any) -> None:
    with Kernel.from_profile(**sql_sections) as kernel:
        kernel.project(new_tables(), "inline")
        kernel.append_many([*opened("a"), *moves(3)])
    wider = Projection("account-tables", tables={"sums": "CREATE TABLE {sums} (account TEXT PRIMARY KEY, n BIGINT)"})
    wider.on("opened")(lambda event, state: state.execute("INSERT INTO {sums} VALUES (?, 0)", (event.data["account"],)))
    wider.on("deposited")(lambda event, state: state.execute("UPDATE {sums} SET n = n + 1"))
    in_records = Projection("account-tables")
    in_records.on("deposited")(lambda event, state: state.update(n=state.get("n", 0) + 1))
    with Kernel.from_profile(**sql_sections) as kernel:
        with pytest.raises(ProjectionError, match=r"kernel\.rebuild\(projection\)"):
            kernel.project(wider)
        assert not kernel.rebuild(wider).equal
        assert kernel.project(wider).query("SELECT * FROM {sums}") == [("a", 3)]
        with pytest.raises(Exception, match=r"no such table|does not exist"):
            wider.handle.query("SELECT * FROM accounts")  # type: ignore[union-attr]
    with Kernel.from_profile(**sql_sections) as kernel:
        assert not kernel.rebuild(in_records).equal
        assert kernel.project(in_records).state == {"n": 3}
        with kernel.storage.snapshot() as snapshot, pytest.raises(Exception, match=r"no such table|does not exist"):
            snapshot.connection.execute("SELECT * FROM sums")
    with Kernel.from_profile(**sql_sections) as kernel:
        kernel.rebuild(wider)
        assert wider.handle is not None and kernel.project(wider).query("SELECT n FROM {sums}") == [(3,)]
        assert kernel.project(wider).model.describe()["kind"] == "tables"  # type: ignore[union-attr]


def test_an_object_in_place_of_records_or_tables_needs_a_rebuild(
    sql_sections: dict[str, Any], new_tables: Any, new_accounts: Any
) -> None:
    def in_object(name: str) -> Projection:
        projection = Projection(name, factory=list)
        projection.on("opened")(lambda event, accounts: accounts.append(event.data["account"]))
        return projection

    with Kernel.from_profile(**sql_sections) as kernel:
        kernel.project(new_tables(), "inline")
        kernel.project(new_accounts(), "inline")
        kernel.append_many([*opened("a", "b"), *moves(3)])
    with Kernel.from_profile(**sql_sections) as kernel:
        for name in ("account-tables", "accounts"):
            projection = in_object(name)
            with pytest.raises(ProjectionError, match=r"kernel\.rebuild\(projection\)"):
                kernel.project(projection)
            kernel.rebuild(projection)
            assert kernel.project(projection).state == ["a", "b"]
        with kernel.storage.snapshot() as snapshot:
            assert snapshot.state.list("projection:accounts:0") == []
    with Kernel.from_profile(**sql_sections) as kernel:
        assert not kernel.rebuild(new_tables()).equal  # and back: nothing is in the way
        assert kernel.project(new_tables()).query("SELECT count(*) FROM {accounts}") == [(2,)]


def test_one_that_handles_nothing_is_not_rebuilt(kernel: Any) -> None:
    kernel.append_many(opened("a"))
    with pytest.raises(ProjectionError, match="handles nothing"):
        kernel.rebuild(Projection("accounts", factory=list))


def test_appends_go_on_while_it_is_rebuilt_and_an_inline_state_stays_exact(kernel: Any, new_accounts: Any) -> None:
    projection = new_accounts()
    kernel.project(projection, "inline")
    kernel.append_many([*opened("a"), *moves(3_000)])
    stop, appended = threading.Event(), []

    def append() -> None:
        while not stop.is_set():
            appended.append(sync(kernel).append("deposited", {"account": "a", "cents": 1}))
            assert projection.state["a"]["balance"] >= 3_000 * 3_001 // 2 + 1

    thread = threading.Thread(target=append)
    thread.start()
    try:
        reports = [kernel.rebuild("accounts") for _ in range(5)]
    finally:
        stop.set()
        thread.join(60)
    assert all(report.equal and report.swapped for report in reports)
    assert projection.state["a"]["balance"] == 3_000 * 3_001 // 2 + len(appended)
    assert kernel.verify_projection("accounts").equal
    assert projection.handle.position == kernel.head()


def test_of_a_projection_behind_the_head_the_rebuilt_state_is_complete(kernel: Any, new_accounts: Any) -> None:
    projection = new_accounts()
    handle = kernel.project(projection)
    kernel.append_many(opened("a"))
    kernel.run_until_idle()
    kernel.append_many(moves(5))
    report = kernel.rebuild("accounts")
    assert report.equal and report.position == 1  # compared where the live one stood
    assert handle.lag == 0 and handle.state["a"]["balance"] == 15


def test_a_handler_that_fails_leaves_the_live_state_as_it_was(kernel: Any, new_accounts: Any) -> None:
    projection = new_accounts()
    handle = kernel.project(projection, "inline")
    kernel.append_many([*opened("a"), *moves(5), NewEvent("audited")])
    before = handle.state.copy()
    projection.on("audited")(lambda event, state: 1 / 0)
    with pytest.raises(HandlerError, match="event 7"):
        kernel.rebuild("accounts")
    assert handle.state == before and handle.position == 7
    projection.handlers["audited"] = lambda event, state: state.update(audited=True)
    report = kernel.rebuild("accounts")
    assert report.differing == 1 and handle.state == {**before, "audited": True}
    with sync(kernel).storage.snapshot() as snapshot:
        left = [snapshot.state.list(handle.model.live(number)) for number in range(6)]
    assert sum(map(bool, left)) == 1


def test_rebuilding_mends_one_that_an_error_stopped(kernel: Any) -> None:
    projection = Projection("p")
    projection.on("x")(lambda event, state: 1 / 0)
    handle = kernel.project(projection)
    kernel.append_many([NewEvent("x"), NewEvent("x")])
    kernel.run_until_idle()
    assert handle.paused
    projection.handlers["x"] = lambda event, state: state.update(n=event.id)
    kernel.rebuild("p")
    assert (handle.paused, handle.error, handle.state) == (False, None, {"n": 2})


def test_one_rebuild_at_a_time(kernel: Any, new_accounts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import eventlite.sourcing.projections.rebuilding as module

    projection = new_accounts()
    kernel.project(projection, "inline")
    kernel.append_many([*opened("a"), *moves(1_500)])
    other = Hold(sync(kernel), rebuild_name("accounts"))
    assert other.acquire()
    monkeypatch.setattr(module, "HOLD", -1)  # waits half a second less than nothing
    with pytest.raises(ProjectionError, match="being rebuilt by another process"):
        kernel.rebuild("accounts")
    other.release()

    def overtake(done: int, total: int) -> None:
        later = sync(kernel).clock() + 10_000_000
        sync(kernel).clock = lambda: later
        assert Hold(sync(kernel), rebuild_name("accounts")).acquire()

    with pytest.raises(ProjectionError, match="took over"):
        kernel.rebuild("accounts", progress=overtake)
    assert projection.state["a"]["balance"] == 1_500 * 1_501 // 2
