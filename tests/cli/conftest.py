"""Ways to run the command line: inside this process, and as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eventlite import Event, Kernel, NewEvent


@pytest.fixture(autouse=True)
def _alone(alone: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A directory of its own, no settings from outside; what `--app` imported from the directory is forgotten."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in set(sys.modules) - before:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command line in this process: `run("log", "--json")`."""

    def invoke(*arguments: str, input: bytes | str | None = None) -> Result:
        from eventlite.cli import cli

        return CliRunner().invoke(cli, arguments, input=input)

    return invoke


@pytest.fixture
def done(run: Callable[..., Result]) -> Callable[..., str]:
    """Run a command line that must succeed without a word on stderr; returns what it wrote on stdout."""

    def invoke(*arguments: str, input: bytes | str | None = None) -> str:
        result = run(*arguments, input=input)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    return invoke


@pytest.fixture
def shell() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run a command line as a process of its own."""

    def start(
        *arguments: str, env: dict[str, str] | None = None, input: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-m", "eventlite", *arguments],
            env={**os.environ, **(env or {})},
            input=input,
            capture_output=True,
            timeout=60,
            check=False,
        )

    return start


@pytest.fixture
def store(tmp_path: Path) -> list[Event]:
    """Six events in ./eventlite.db: an order with a tree of causes, and a user who signs up."""
    with Kernel.from_profile(storage={"path": tmp_path / "eventlite.db"}) as kernel:
        placed = NewEvent("orderPlaced", {"order": "A1", "to": {"city": "Delft"}}, user="alice", tags=["order:A1"])
        paid = NewEvent("orderPaid", {"order": "A1", "amount": 12.5}, user="bank", tags=["order:A1"], cause=placed)
        packed = NewEvent("orderPacked", {"order": "A1"}, user="dock", cause=paid)
        thanked = NewEvent("customerThanked", {"order": "A1"}, user="shop", cause=paid)
        shipped = NewEvent("orderShipped", {"order": "A1"}, user="dock", cause=packed)
        order = kernel.append_many([placed, paid, packed, thanked, shipped])
        return [*order, kernel.append("userRegistered", {"email": "a@example.com"}, user="bob", version=2)]
