"""What a projection keeps, in which mode, and what is said when it cannot."""

from __future__ import annotations

import datetime as dt
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from eventlite import (
    EventLiteError,
    HandlerError,
    InvalidQueryError,
    Kernel,
    NewEvent,
    Projection,
    ProjectionError,
    StoreClosedError,
)


def sync(kernel: Any) -> Kernel:
    """The synchronous kernel below either twin."""
    return kernel.kernel if hasattr(kernel, "kernel") else kernel


def counting(name: str = "counts") -> Projection:
    projection = Projection(name)

    @projection.on()
    def count(event: Any, state: Any) -> None:
        state[event.cmd] = state.get(event.cmd, 0) + 1

    return projection


def history(kernel: Any) -> None:
    kernel.append("opened", {"account": "a"})
    kernel.append_many([NewEvent("opened", {"account": "b"}), NewEvent("deposited", {"account": "a", "cents": 5})])
    kernel.append_bulk([NewEvent("deposited", {"account": "b", "cents": n}) for n in range(1, 6)], batch_size=2)
    kernel.append("withdrawn", {"account": "b", "cents": 3})
    kernel.append("closed", {"account": "a"})


EXPECTED = {"b": {"balance": 12, "moves": [1, 2, 3, 4, 5, -3]}, "closed": 1}


@pytest.mark.parametrize("mode", ["inline", "follow"])
@pytest.mark.parametrize("late", [False, True])
def test_records_hold_what_the_events_made(kernel: Any, mode: str, late: bool, new_accounts: Any) -> None:
    projection = new_accounts()
    if late:
        history(kernel)
    handle = kernel.project(projection, mode)
    if not late:
        assert dict(handle.state) == {}
        history(kernel)
    if mode == "follow":
        assert handle.lag > 0
        assert kernel.run_until_idle() == 10
    assert (handle.mode, handle.lag, handle.position, handle.error) == (mode, 0, 10, None)
    assert handle.state == EXPECTED
    assert (list(projection.state), len(projection.state)) == (["b", "closed"], 2)
    assert projection.state["b"] == EXPECTED["b"]
    assert "a" not in projection.state and 5 not in projection.state
    assert dict(projection.state.items()) == EXPECTED
    assert kernel.run_until_idle() == 0


@pytest.mark.parametrize("mode", ["inline", "follow"])
def test_tables_hold_what_the_events_made(sql_kernel: Any, mode: str, new_tables: Any) -> None:
    handle = sql_kernel.project(new_tables(), mode)
    history(sql_kernel)
    sql_kernel.run_until_idle()
    assert handle.query("SELECT account, balance FROM {accounts}") == [("b", 12)]
    assert handle.state.query("SELECT cents FROM {moves} WHERE account = ? ORDER BY id", ("a",)) == [(5,)]
    assert handle.query("SELECT count(*) FROM accounts") == [(1,)]  # the names are those of the projection


def test_an_object_of_the_users_is_filled_behind_the_events(kernel: Any) -> None:
    seen: list[int] = []
    projection = Projection("list", into=seen)
    projection.on("a")(lambda event, into: into.append(event.id))
    handle = kernel.project(projection)
    kernel.append_many([NewEvent("a"), NewEvent("b"), NewEvent("a")])
    assert kernel.run_until_idle() == 2
    assert seen == [1, 3] and handle.state is seen and handle.position == 3
    with pytest.raises(ProjectionError, match="factory"):
        kernel.rebuild("list")
    with pytest.raises(ProjectionError, match="inline"):
        other = Projection("other", into=seen)
        other.on()(lambda event, into: None)
        kernel.project(other, "inline")


def test_an_object_with_a_factory_is_rebuilt_and_replayed(kernel: Any) -> None:
    projection = Projection("list", factory=list)
    projection.on("a")(lambda event, into: into.append(event.id))
    handle = kernel.project(projection)
    kernel.append_many([NewEvent("a"), NewEvent("a")])
    kernel.run_until_idle()
    handle.state.append("rubbish")
    assert kernel.rebuild("list").swapped
    assert handle.state == [1, 2]
    kernel.append("a")
    kernel.run_until_idle()
    assert handle.state == [1, 2, 3]
    assert kernel.project_at("list", 2) == [1, 2]


def test_state_does_not_depend_on_where_a_batch_ends(kernel: Any) -> None:
    """What is not JSON yet, aliases, and objects that are changed after they were stored."""
    seen = []
    projection = Projection("odd")

    @projection.on("set")
    def set_(event: Any, state: Any) -> None:
        shared = state["a"] = {"when": event.datetime, "pair": (1, 2)}
        state["b"] = shared
        shared["late"] = True
        state.setdefault("c", {})["n"] = 1

    @projection.on("look")
    def look(event: Any, state: Any) -> None:
        seen.append([type(state["a"]["when"]), list(state["a"]["pair"]), state["a"]["late"], dict(state["c"])])
        state["a"]["pair"].append(3)
        seen.append(state["b"]["pair"])

    handle = kernel.project(projection)
    kernel.append_many([NewEvent("set"), NewEvent("look")])
    kernel.run_until_idle()
    assert seen == [[str, [1, 2], True, {"n": 1}], [1, 2]]
    assert handle.state["a"]["pair"] == [1, 2, 3]


def test_keys_may_be_any_text(kernel: Any) -> None:
    projection = Projection("keys")

    @projection.on("x")
    def x(event: Any, state: Any) -> None:
        for key in ("", "=", "é", "a/b", "A"):
            state[key] = None
        assert "" in state and len(state) == 5 and sorted(state) == list(state)
        del state["A"]
        with pytest.raises(KeyError):
            state["A"]
        with pytest.raises(ProjectionError):
            state[5] = 1

    kernel.project(projection, "inline")
    kernel.append("x")
    assert projection.state == {"": None, "=": None, "é": None, "a/b": None}
    kernel.append("x")


def test_a_handler_may_clear_the_state(kernel: Any) -> None:
    projection = Projection("cleared")
    projection.on("x")(lambda event, state: state.update({f"{event.id}/{n}": n for n in range(1_500)}))
    projection.on("clear")(lambda event, state: state.clear())
    kernel.project(projection, "inline")
    kernel.append("x")
    assert len(projection.state) == len(list(projection.state)) == 1_500
    kernel.append_many([NewEvent("x"), NewEvent("clear")])
    assert len(projection.state) == 0


def test_inline_catches_up_first_when_it_is_behind(twin: Any, tmp_path: Any) -> None:
    sections = {"storage": {"path": str(tmp_path / "a.db")}}
    kernel, other = twin(sections), twin(sections)
    projection = counting()
    kernel.append_bulk([NewEvent("before") for _ in range(2_500)])
    kernel.project(projection, "inline")
    assert projection.state == {"before": 2_500}
    other.append_many([NewEvent("elsewhere")] * 1_500)
    assert projection.handle.lag == 1_500  # that kernel knows nothing of the projection
    kernel.append("here")
    assert projection.state == {"before": 2_500, "elsewhere": 1_500, "here": 1}


def test_inline_is_fed_by_transactions_and_imports(kernel: Any, tmp_path: Any) -> None:
    projection = counting()
    kernel.append_many([NewEvent("a"), NewEvent("b")])
    kernel.export_file(tmp_path / "events.jsonl")
    kernel.project(projection, "inline")
    kernel.import_file(tmp_path / "events.jsonl", append=True)
    with sync(kernel).transaction() as transaction:
        transaction.append(sync(kernel).prepare([NewEvent("c")]))
        transaction.append(sync(kernel).prepare([NewEvent("c")]))
    assert projection.state == {"a": 2, "b": 2, "c": 2}
    assert projection.handle.lag == 0


def test_an_inline_handler_that_raises_refuses_the_append(kernel: Any) -> None:
    projection = counting()
    projection.on("bad")(lambda event, state: state.update(x=1 / 0))
    kernel.project(projection, "inline")
    kernel.append("good")
    with pytest.raises(HandlerError, match=r"event 3 \(bad\): ZeroDivisionError") as refused:
        kernel.append_many([NewEvent("good"), NewEvent("bad")])
    assert refused.value.position == 3
    assert projection.state == {"good": 1} and kernel.head() == 1


@pytest.mark.parametrize("mode", ["inline", "follow"])
def test_a_handler_cannot_append(kernel: Any, mode: str) -> None:
    projection = Projection("appends")
    projection.on("x")(lambda event, state: sync(kernel).append("y"))
    handle = kernel.project(projection, mode)
    if mode == "inline":
        with pytest.raises(HandlerError, match="ProjectionError: projection 'appends': a handler must not append"):
            kernel.append("x")
        assert kernel.head() == 0
        return
    kernel.append("x")
    kernel.run_until_idle()
    assert kernel.head() == 1 and handle.error.endswith(
        "Append in a function of its own, with @projection.reaction(...)."
    )
    with pytest.raises(HandlerError, match="a handler must not append"):
        kernel.project_at("appends", 1)


@pytest.mark.parametrize(
    "write",
    [
        lambda kernel: kernel.append("y"),
        lambda kernel: kernel.append_bulk([NewEvent("y")]),
        lambda kernel: kernel.append_when("y", any_of=["z"]),
    ],
    ids=["append", "append_bulk", "append_when"],
)
def test_a_handler_of_an_object_cannot_append_either(kernel: Any, write: Any) -> None:
    projection = Projection("list", factory=list)

    @projection.on("x")
    def write_and_note(event: Any, seen: list[int]) -> None:
        if event.id == 2:
            write(sync(kernel))
        seen.append(event.id)

    @projection.reaction("x")
    def react(event: Any) -> None:
        sync(kernel).append("reacted")

    handle = kernel.project(projection)
    kernel.append_many([NewEvent("x")] * 2)
    kernel.run_until_idle()
    assert projection.state == [1]
    assert "ProjectionError: projection 'list': a handler must not append" in handle.error
    assert [event.cmd for event in kernel.read()] == ["x", "x", "reacted"]  # what may append, does
    for replay in (lambda: kernel.rebuild("list"), lambda: kernel.project_at("list", 2)):
        with pytest.raises(HandlerError, match="a handler must not append"):
            replay()
    assert kernel.append("later").id == 4


def test_whatever_an_error_says_can_be_kept(kernel: Any) -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    for number, error in enumerate([SilentError(), ValueError("\ud800 \0"), ValueError("x" * 5000)]):
        projection = Projection(f"p{number}")

        @projection.on()
        def fail(event: Any, state: Any, error: Exception = error) -> None:
            raise error

        kernel.project(projection)
    kernel.append("x")
    kernel.run_until_idle()
    errors = [sync(kernel).sourcing.projections.handle(f"p{number}").error for number in range(3)]
    assert [error[:18] for error in errors] == ["SilentError: ", "ValueError: \\ud800", "ValueError: xxxxxx"]
    assert len(errors[2]) == 1000


def test_reactions_begin_at_a_position_that_there_is(kernel: Any) -> None:
    projection = counting()
    projection.reaction("a")(lambda event: None)
    for wrong in ("x", -1, 1, True):
        with pytest.raises(InvalidQueryError, match="react_after"):
            kernel.project(projection, react_after=wrong)
    kernel.project(projection, react_after=0)


def test_a_reaction_that_runs_the_others_is_told_that_it_would_wait_for_itself(kernel: Any) -> None:
    projection = counting()
    projection.reaction("a")(lambda event: sync(kernel).run_until_idle())
    handle = kernel.project(projection)
    kernel.append("a")
    kernel.run_until_idle()
    assert handle.error.startswith("EventLiteError: this thread is running followers and jobs already. What")


def test_closing_the_kernel_ends_a_run(sections: dict[str, Any]) -> None:
    kernel = Kernel.from_profile(**sections)
    slow, begun = Projection("slow"), threading.Event()

    @slow.on("x")
    def handle(event: Any, state: Any) -> None:
        begun.set()
        time.sleep(0.01)
        state["n"] = event.id

    with ThreadPoolExecutor() as pool, kernel:
        kernel.project(slow)
        running = pool.submit(kernel.run, threading.Event())
        kernel.append_many([NewEvent("x")] * 30)
        assert begun.wait(30)
        kernel.close()
        assert running.result(30) is None
    with pytest.raises(StoreClosedError):
        kernel.run(threading.Event())


def test_an_error_pauses_in_front_of_its_event_and_what_came_before_is_kept(kernel: Any, caplog: Any) -> None:
    mended = False
    projection, other = counting(), counting("other")

    @projection.on("bad")
    def bad(event: Any, state: Any) -> None:
        if not mended:
            raise ValueError("no good")
        state["bad"] = "mended"

    handle, fine = kernel.project(projection), kernel.project(other)
    kernel.append_many([NewEvent("a")] * 3 + [NewEvent("bad")] + [NewEvent("a")] * 2)
    kernel.run_until_idle()
    assert (handle.position, handle.paused, handle.lag) == (3, True, 3)
    assert (handle.error, handle.error_position) == ("ValueError: no good", 4)
    assert "failed at event 4 (bad)" in caplog.text
    assert projection.state == {"a": 3}
    assert fine.lag == 0  # one that is stopped holds up nobody else
    handle.resume()
    kernel.run_until_idle()
    assert handle.error_position == 4  # it was tried again
    mended = True
    handle.resume()
    kernel.run_until_idle()
    assert projection.state == {"a": 5, "bad": "mended"}
    assert (handle.paused, handle.error, handle.lag) == (False, None, 0)


def test_a_value_that_is_not_json_is_an_error_of_its_event(kernel: Any) -> None:
    projection = counting()
    projection.on("bad")(lambda event, state: state.update(x={1, 2}))
    handle = kernel.project(projection)
    kernel.append_many([NewEvent("a"), NewEvent("bad")])
    kernel.run_until_idle()
    assert (handle.position, handle.error_position) == (1, 2)
    assert "state['x'] cannot be stored as JSON" in handle.error


def test_mended_code_tries_again_at_the_next_start_but_a_pause_by_hand_stays(tmp_path: Any) -> None:
    broken, mended, by_hand = Projection("p"), counting("p"), counting("q")
    broken.on("a")(lambda event, state: 1 / 0)
    sections = {"storage": {"path": str(tmp_path / "a.db")}}
    with Kernel.from_profile(**sections) as kernel:
        handle = kernel.project(broken)
        kernel.project(by_hand).pause()
        kernel.append("a")
        kernel.run_until_idle()
        assert handle.paused
    with Kernel.from_profile(**sections) as kernel:
        kernel.project(mended)
        stopped = kernel.project(counting("q"))
        kernel.run_until_idle()
        assert mended.state == {"a": 1}
        assert stopped.paused and stopped.state == {}
        stopped.resume()
        kernel.run_until_idle()
        assert stopped.state == {"a": 1}


def test_a_storage_without_transactions_makes_inline_follow_and_says_so(
    kernel: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    from dataclasses import replace

    storage = kernel.storage
    monkeypatch.setattr(storage, "capabilities", replace(storage.capabilities, transactional=False))
    projection = counting()
    handle = kernel.project(projection, "inline")
    assert handle.mode == "follow" and "follows" in caplog.text
    kernel.append("a")
    assert projection.state == {}
    kernel.run_until_idle()
    assert projection.state == {"a": 1}


def test_reactions_run_behind_the_state_once_and_not_in_a_replay(kernel: Any) -> None:
    ran: list[Any] = []
    projection = counting()
    projection.reaction("placed")(lambda event, state: ran.append((event.id, state["placed"])))
    kernel.append("placed")
    kernel.project(projection)
    assert kernel.run_until_idle() == 1 and ran == []  # what was there before is history
    kernel.append_many([NewEvent("placed"), NewEvent("other"), NewEvent("placed")])
    kernel.run_until_idle()
    assert ran == [(2, 3), (4, 3)]
    kernel.rebuild("counts")
    kernel.project_at("counts", 2)
    kernel.run_until_idle()
    assert len(ran) == 2


def test_a_reaction_may_append_and_be_told_where_to_begin(kernel: Any) -> None:
    projection = counting()
    projection.reaction("placed")(lambda event: sync(kernel).append("thanked", cause=event))
    kernel.append("placed")
    kernel.project(projection, "inline", react_after=0)
    kernel.run_until_idle()
    assert projection.state == {"placed": 1, "thanked": 1}
    assert kernel.get(2).causation_id == 1


def test_a_reaction_that_fails_waits_and_the_state_goes_on(kernel: Any) -> None:
    ran, broken = [], True
    projection = counting()

    @projection.reaction()
    def react(event: Any) -> None:
        if broken and event.cmd == "b":
            raise OSError("no mail today")
        ran.append(event.id)

    handle = kernel.project(projection)
    kernel.append_many([NewEvent("a"), NewEvent("b"), NewEvent("a")])
    kernel.run_until_idle()
    assert ran == [1] and handle.lag == 0
    assert (handle.error, handle.error_position) == ("OSError: no mail today", 2)
    broken = False
    handle.resume()
    kernel.run_until_idle()
    assert ran == [1, 2, 3] and handle.error is None


def test_time_travel_leaves_the_live_state_alone(kernel: Any, new_accounts: Any) -> None:
    projection = new_accounts()
    handle = kernel.project(projection, "inline")
    history(kernel)
    assert kernel.project_at(projection, 3) == {
        "a": {"balance": 5, "moves": [5]},
        "b": {"balance": 0, "moves": []},
    }
    assert kernel.project_at("accounts", 0) == {}
    assert kernel.project_at("accounts", 10_000) == EXPECTED == handle.state
    moment = kernel.get(3).datetime
    before = {event.id: event.datetime for event in sync(kernel).read()}
    last = max(id for id, recorded in before.items() if recorded <= moment)
    assert kernel.project_at("accounts", moment) == kernel.project_at("accounts", last)
    with pytest.raises(InvalidQueryError, match="time zone"):
        kernel.project_at("accounts", dt.datetime(2026, 1, 1))
    with pytest.raises(InvalidQueryError, match="position"):
        kernel.project_at("accounts", "yesterday")


def test_time_travel_over_tables(sql_kernel: Any, new_tables: Any) -> None:
    from eventlite.sourcing.projections.table_model import SideTables

    projection = new_tables()
    sql_kernel.project(projection, "inline")
    history(sql_kernel)
    with sql_kernel.project_at(projection, 3) as past:
        assert past.query("SELECT account, balance FROM {accounts} ORDER BY account") == [("a", 5), ("b", 0)]
    side = SideTables(projection.handle.model, sync(sql_kernel))  # what dialects without a database in memory use
    with side.change() as state:
        state.execute("INSERT INTO {accounts} VALUES ('z', ?)", (7,))
    assert side.query("SELECT account, balance FROM {accounts}") == [("z", 7)]
    assert projection.handle.query("SELECT account FROM {accounts}") == [("b",)]
    side.close()
    with pytest.raises(EventLiteError):
        side.query("SELECT 1 FROM {accounts}")


def test_what_cannot_be_a_projection_is_said(kernel: Any) -> None:
    ok = counting()
    for wrong in ("", 5, "a\0", "x" * 300, "\ud800"):
        with pytest.raises(ProjectionError, match="name"):
            Projection(wrong)  # type: ignore[arg-type]
    with pytest.raises(ProjectionError, match=r"@projection.on\(\"orderPlaced\"\)"):
        ok.on(lambda event, state: None)  # type: ignore[arg-type]
    with pytest.raises(ProjectionError, match=r"takes \(event, state\)"):
        ok.on("x")(lambda event: None)
    with pytest.raises(ProjectionError, match="no plain function"):

        @ok.on("x")
        async def handler(event: Any, state: Any) -> None: ...

    ok.on("x")(lambda event, state: None)
    with pytest.raises(ProjectionError, match="already"):
        ok.on("x")
    with pytest.raises(ProjectionError, match="no state yet"):
        ok.state  # noqa: B018
    with pytest.raises(ProjectionError, match="handles nothing"):
        kernel.project(Projection("empty"))
    with pytest.raises(ProjectionError, match="expected a Projection"):
        kernel.project("counts")
    with pytest.raises(ProjectionError, match="mode"):
        kernel.project(ok, "sometimes")
    handle = kernel.project(ok)
    assert kernel.project(ok) is handle
    with pytest.raises(ProjectionError, match="already"):
        kernel.project(counting())
    with pytest.raises(ProjectionError, match="Did you mean 'counts'"):
        kernel.rebuild("count")
    with pytest.raises(ProjectionError, match="keeps no tables"):
        handle.query("SELECT 1")


@pytest.mark.parametrize(
    "table", ["event", "Orders", "a b", "a; drop table event", "a__2", "sqlite_x", "", 5, "x" * 50]
)
def test_a_table_has_a_name_from_an_allow_list(table: Any) -> None:
    with pytest.raises(ProjectionError):
        Projection("p", tables={table: f"CREATE TABLE {{{table}}} (id TEXT)"})


def test_tables_are_refused_with_words(kernel: Any, new_tables: Any) -> None:
    for wrong in ({}, "CREATE TABLE x", {"orders": "CREATE TABLE orders (id TEXT)"}, {"orders": []}):
        with pytest.raises(ProjectionError):
            Projection("p", tables=wrong)  # type: ignore[arg-type]
    if kernel.storage.capabilities.sql is None:
        with pytest.raises(ProjectionError, match="no SQL"):
            kernel.project(new_tables())


def test_a_table_of_somebody_else_is_not_touched(sql_kernel: Any, new_tables: Any) -> None:
    with sync(sql_kernel).transaction() as transaction:
        transaction.connection.execute("CREATE TABLE moves (id INTEGER)")
    with pytest.raises(ProjectionError, match="'moves' already"):
        sql_kernel.project(new_tables())
    with sync(sql_kernel).transaction() as transaction:
        transaction.connection.execute("DROP TABLE moves")
    sql_kernel.project(new_tables())  # nothing of the first attempt was left


def test_statements_name_only_tables_of_the_projection(sql_kernel: Any, new_tables: Any) -> None:
    projection = new_tables()
    projection.on("bad")(lambda event, state: state.execute("DELETE FROM {account}"))
    sql_kernel.project(projection, "inline")
    with pytest.raises(HandlerError, match="Did you mean 'accounts'"):
        sql_kernel.append("bad")


def test_statements_are_written_for_both_dialects() -> None:
    from eventlite.sourcing.projections.naming import Wording

    statement = """SELECT '?', "%", a % ? FROM {orders} WHERE b = '{"x": 1}' AND c LIKE 'it''s?%' AND d = ?"""
    assert Wording("sqlite", {"orders": "orders__2"})(statement) == statement.replace("{orders}", "orders__2")
    assert Wording("postgresql", {"orders": "orders"})(statement) == (
        """SELECT '?', "%%", a %% %s FROM orders WHERE b = '{"x": 1}' AND c LIKE 'it''s?%%' AND d = %s"""
    )
