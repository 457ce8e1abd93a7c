"""Kernels to project with: both twins, on every storage; and projections of all kinds."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlite import AsyncKernel, Kernel, Projection


def _fixtures(room: str) -> Any:
    """The fixtures of another directory of tests."""
    path = Path(__file__).parents[2] / room / "conftest.py"
    spec = importlib.util.spec_from_file_location(f"{room}_fixtures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_kernels = _fixtures("kernel")
Blocking, sections = _kernels.Blocking, _kernels.sections


@pytest.fixture(params=["sqlite", "postgres"])
def sql_sections(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Keyword arguments that open a store of this test, on each of the storages with SQL."""
    if request.param == "postgres":
        return {"storage": {"plugin": "postgres", **request.getfixturevalue("postgres")}}
    return {"storage": {"path": str(tmp_path / "projected.db")}}


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open a kernel of either kind."""
    opened: list[Any] = []
    loop = asyncio.new_event_loop()

    def open_twin(sections: dict[str, Any]) -> Any:
        if request.param == "sync":
            opened.append(Kernel.from_profile("balanced", **sections))
            return opened[-1]
        twin = AsyncKernel.from_profile("balanced", **sections)
        loop.run_until_complete(twin.open())
        opened.append(Blocking(twin, loop))
        return opened[-1]

    yield open_twin
    for kernel in opened:
        kernel.close()
    loop.close()


@pytest.fixture
def kernel(twin: Callable[..., Any], sections: dict[str, Any]) -> Any:
    """An open kernel of either kind, on every storage."""
    return twin(sections)


@pytest.fixture
def sql_kernel(twin: Callable[..., Any], sql_sections: dict[str, Any]) -> Any:
    """An open kernel of either kind, on every storage with SQL."""
    return twin(sql_sections)


@pytest.fixture
def new_accounts() -> Callable[[], Projection]:
    """Make the projection of accounts in records."""
    return accounts


@pytest.fixture
def new_tables() -> Callable[[], Projection]:
    """Make the projection of accounts in tables."""
    return account_tables


def accounts() -> Projection:
    """By account, in records: deposits and withdrawals, changed in place, and closed ones deleted."""
    projection = Projection("accounts")

    @projection.on("opened")
    def opened(event: Any, state: Any) -> None:
        state[event.data["account"]] = {"balance": 0, "moves": []}

    @projection.on("deposited", "withdrawn")
    def moved(event: Any, state: Any) -> None:
        account = state.get(event.data["account"])
        if account is not None:
            cents = event.data["cents"] if event.cmd == "deposited" else -event.data["cents"]
            account["balance"] += cents
            account["moves"].append(cents)

    @projection.on("closed")
    def closed(event: Any, state: Any) -> None:
        state.pop(event.data["account"], None)
        state["closed"] = state.get("closed", 0) + 1

    return projection


def account_tables() -> Projection:
    """The same in tables."""
    create = "CREATE TABLE {accounts} (account TEXT PRIMARY KEY, balance BIGINT NOT NULL)"
    index = "CREATE INDEX {accounts}_by_balance ON {accounts} (balance)"
    moves = "CREATE TABLE {moves} (id BIGINT PRIMARY KEY, account TEXT NOT NULL, cents BIGINT NOT NULL)"
    projection = Projection("account-tables", tables={"accounts": [create, index], "moves": moves})

    @projection.on("opened")
    def opened(event: Any, state: Any) -> None:
        state.execute(
            "INSERT INTO {accounts} VALUES (?, 0) ON CONFLICT (account) DO UPDATE SET balance = 0",
            (event.data["account"],),
        )

    @projection.on("deposited", "withdrawn")
    def moved(event: Any, state: Any) -> None:
        account, cents = event.data["account"], event.data["cents"]
        cents = cents if event.cmd == "deposited" else -cents
        state.execute("UPDATE {accounts} SET balance = balance + ? WHERE account = ?", (cents, account))
        state.executemany("INSERT INTO {moves} VALUES (?, ?, ?)", [(event.id, account, cents)])

    @projection.on("closed")
    def closed(event: Any, state: Any) -> None:
        state.execute("DELETE FROM {accounts} WHERE account = ?", (event.data["account"],))

    return projection
