"""The example application, on every storage."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from eventlite import Kernel, Query
from eventlite.testing import ManualClock

_PATH = Path(__file__).parents[1] / "docs" / "examples" / "orders.py"


@pytest.fixture(scope="module")
def orders() -> Any:
    spec = spec_from_file_location("orders", _PATH)
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    sys.modules["orders"] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    if request.param == "sqlite":
        return {"path": str(tmp_path / "orders.db")}
    return {"plugin": request.param, **(request.getfixturevalue("postgres") if request.param == "postgres" else {})}


@pytest.fixture
def kernel(storage: dict[str, Any]) -> Iterator[Kernel]:
    with Kernel.from_profile(storage=storage) as opened:
        opened.clock = ManualClock()
        yield opened


def commands(kernel: Kernel, order: str) -> list[str]:
    return [event.cmd for event in kernel.read(Query(tags=[f"order:{order}"]))]


def test_an_order_is_shipped_once_it_is_paid_and_packed(orders: Any, kernel: Kernel) -> None:
    told: list[str] = []
    board = orders.application(kernel, told.append)
    orders.place(kernel, "A1", 500)
    kernel.decide(orders.ORDERS, orders.Pack("A1"))
    kernel.run_until_idle()
    assert (told, board.state["A1"]["status"]) == ([], "packed")
    kernel.decide(orders.ORDERS, orders.Pay("A1", 500))
    kernel.run_until_idle()
    assert (told, board.state["A1"]) == (["A1: shipped"], {"cents": 500, "status": "shipped"})
    assert commands(kernel, "A1") == ["orderPlaced", "orderPacked", "orderPaid", "orderShipped"]
    assert kernel.rebuild("board").equal
    assert told == ["A1: shipped"]


def test_an_order_that_nobody_pays_is_cancelled_in_time(orders: Any, kernel: Kernel) -> None:
    told: list[str] = []
    board = orders.application(kernel, told.append)
    orders.place(kernel, "A1", 500)
    kernel.clock.advance(13 * 86_400)  # type: ignore[attr-defined]
    kernel.run_until_idle()
    assert told == []
    kernel.clock.advance(2 * 86_400)  # type: ignore[attr-defined]
    kernel.run_until_idle()
    assert (told, board.state["A1"]["status"]) == (["A1: cancelled"], "cancelled")
    with pytest.raises(orders.OrderRefusedError, match="cancelled"):
        kernel.decide(orders.ORDERS, orders.Pay("A1", 500))


def test_commands_are_refused_and_repeated_ones_harmless(orders: Any, kernel: Kernel) -> None:
    orders.application(kernel, print)
    orders.place(kernel, "A1", 500)
    orders.place(kernel, "A1", 500)
    with pytest.raises(orders.OrderRefusedError, match="owes 500"):
        kernel.decide(orders.ORDERS, orders.Pay("A1", 400))
    with pytest.raises(orders.OrderRefusedError, match="unknown"):
        kernel.decide(orders.ORDERS, orders.Pack("A2"))
    assert commands(kernel, "A1") == ["orderPlaced"]
    kernel.clock.advance(15 * 86_400)  # type: ignore[attr-defined]
    kernel.run_until_idle()
    assert commands(kernel, "A1") == ["orderPlaced", "orderCancelled"]  # once, although two waits have expired


def test_an_order_of_the_first_year_is_understood(orders: Any, kernel: Kernel) -> None:
    kernel.append("orderPlaced", {"order": "A0", "euros": 5}, tags=["order:A0"])
    board = orders.application(kernel, print)
    kernel.decide(orders.ORDERS, orders.Pay("A0", 500))
    kernel.run_until_idle()
    assert board.state["A0"] == {"cents": 500, "status": "paid"}


def test_it_runs_as_a_program_and_is_short(tmp_path: Path) -> None:
    environ = {name: text for name, text in os.environ.items() if not name.startswith("EVENTLITE")}
    ran = subprocess.run(
        [sys.executable, _PATH], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout.splitlines()) == (0, ["A0: shipped", "{'cents': 1250, 'status': 'shipped'}"])
    assert len(_PATH.read_text(encoding="utf-8").splitlines()) < 150
