"""`eventlite projections`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventlite import Kernel, NewEvent

CODE = """
from eventlite import Projection

def set_up(kernel):
    orders = Projection("orders")
    totals = Projection("totals", tables={"totals": "CREATE TABLE {totals} (name TEXT PRIMARY KEY, n INTEGER)"})
    outside = Projection("outside", into=[])

    @orders.on("orderPlaced", "orderPaid")
    def note(event, state):
        state.setdefault(event.data["order"], []).append(event.cmd)

    @totals.on()
    def count(event, state):
        state.execute("INSERT INTO {totals} VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1", (event.cmd,))

    @outside.on("fails")
    def fail(event, state):
        raise ValueError("not today")

    kernel.project(orders, "inline")
    kernel.project(totals, "follow")
    kernel.project(outside)
"""

APP = ("--app", "projecting_shop:set_up")


@pytest.fixture(autouse=True)
def _app(store: Any) -> None:
    Path("projecting_shop.py").write_text(CODE, encoding="utf-8")


def test_a_rebuild_says_what_it_found(done: Any) -> None:
    assert done("projections", "rebuild", "orders", *APP) == (
        "orders: equal (1 row, 6 events replayed, compared at position 6, swapped)\n"
    )
    (report,) = json.loads(done("projections", "rebuild", "totals", *APP, "--json"))
    assert (report["equal"], report["swapped"], report["events"], report["position"]) == (True, True, 6, 0)


def test_the_list_shows_where_each_stands(done: Any) -> None:
    assert json.loads(done("projections", "list", "--json")) == []
    done("projections", "rebuild", "totals", *APP)
    import projecting_shop

    with Kernel.from_profile() as kernel:
        projecting_shop.set_up(kernel)
        kernel.append_many([NewEvent("a"), NewEvent("fails"), NewEvent("b")])
        kernel.run_until_idle()
        kernel.append("c")
    found = {each["name"]: each for each in json.loads(done("projections", "list", "--json"))}
    assert [found["orders"][key] for key in ("mode", "kind", "position", "lag", "state")] == [
        "inline", "records", 10, 0, "idle",
    ]  # fmt: skip
    assert [found["totals"][key] for key in ("mode", "kind", "position", "lag")] == ["follow", "tables", 9, 1]
    assert [found["outside"][key] for key in ("state", "error", "error_position")] == [
        "failed", "ValueError: not today", 8,
    ]  # fmt: skip
    text = done("projections", "list")
    assert "ValueError: not today" in text and "inline" in text


def test_verify_finds_what_differs_and_changes_nothing(done: Any, run: Any) -> None:
    assert done("projections", "verify", "orders", *APP).startswith("orders: equal")
    with Kernel.from_profile() as kernel, kernel.transaction() as transaction:
        transaction.state.put("projection:orders:0", "=A1", {"": ["\x1b[31m"]})
    for _ in range(2):
        result = run("projections", "verify", *APP)
        assert result.exit_code == 5
        assert "orders: 1 row differ" in result.stdout and "\x1b" not in result.stdout
        assert "totals: equal" in result.stdout and "outside" not in result.stdout
    assert json.loads(run("projections", "verify", "orders", *APP, "--json").stdout)[0]["differing"] == 1


def test_pause_and_resume(done: Any) -> None:
    done("projections", "verify", *APP)
    assert done("projections", "pause", "totals") == "paused totals at 0, 6 events behind\n"
    assert json.loads(done("projections", "list", "--json"))[-1]["state"] == "paused"
    assert json.loads(done("projections", "resume", "totals", "--json"))["state"] == "idle"
    assert json.loads(done("projections", "list", "--json"))[-1]["state"] == "idle"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("rebuild", "orders"), 2, "--app"),
        (("rebuild", "nothing", *APP), 3, "orders, totals, outside"),
        (("rebuild", "outside", *APP), 1, "factory"),
        (("pause", "nothing"), 3, "no projection 'nothing'"),
    ],
)
def test_what_cannot_be_done_is_said(run: Any, arguments: tuple[str, ...], code: int, words: str) -> None:
    result = run("projections", *arguments)
    assert (result.exit_code, words in result.stderr) == (code, True)


def test_delete_forgets_one_whose_code_is_not_there(run: Any, done: Any) -> None:
    done("projections", "rebuild", "totals", *APP)
    assert done("projections", "delete", "totals") == "deleted totals at 6, 0 events behind\n"
    assert [each["name"] for each in json.loads(done("projections", "list", "--json"))] == ["orders", "outside"]
    with Kernel.from_profile() as kernel, kernel.storage.snapshot() as snapshot:
        tables = {name for (name,) in snapshot.connection.execute("SELECT name FROM sqlite_master")}
    assert "totals" not in tables
    again = run("projections", "delete", "totals")
    assert (again.exit_code, again.stdout) == (3, "")
    assert "there is no projection 'totals'" in again.stderr
