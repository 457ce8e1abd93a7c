"""Projections of all kinds, and kernels to project with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from eventlite import Projection


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
