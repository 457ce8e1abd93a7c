"""`upcasters check` and `export --upcast`, with the functions that `--app` brings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eventlite import Kernel, NewEvent

CODE = """
def set_up(kernel):
    kernel.upcast("paid", 1, lambda data: {"cents": data["euros"] * 100})

def unfinished(kernel):
    kernel.upcast("paid", 2, lambda data: data)
"""


@pytest.fixture(autouse=True)
def _shop(_alone: None) -> None:
    Path("lifting_shop.py").write_text(CODE, encoding="utf-8")
    with Kernel.from_profile(storage={"path": "app.db"}) as kernel:
        kernel.append_many([NewEvent("paid", {"euros": 2}), NewEvent("paid", {"cents": 5}, version=2)])


def test_check_fails_for_a_version_without_a_path(run: Any) -> None:
    found = run("upcasters", "check", "--db", "app.db")
    assert (found.exit_code, found.stdout.splitlines()[0]) == (
        5, "paid version 1: 1 event, no upcaster, newest 2",
    )  # fmt: skip
    found = run("upcasters", "check", "--db", "app.db", "--app", "lifting_shop:unfinished", "--json")
    assert found.exit_code == 5
    assert json.loads(found.stdout)["stranded"] == [
        {"cmd": "paid", "version": 1, "reaches": 1, "newest": 3, "events": 1}
    ]


def test_check_is_content_when_all_have_one(run: Any) -> None:
    found = run("upcasters", "check", "--db", "app.db", "--app", "lifting_shop:set_up")
    assert (found.exit_code, found.stdout) == (0, "0 versions without a path to the newest\n")


def test_export_writes_lifted_events(run: Any) -> None:
    assert run("export", "-", "--db", "app.db", "--upcast", "--format", "jsonl").exit_code == 2
    assert run("export", "-", "--db", "app.db", "--upcast", "--salvage", "--format", "jsonl").exit_code == 2
    found = run("export", "-", "--db", "app.db", "--upcast", "--format", "jsonl", "--app", "lifting_shop:set_up")
    assert found.exit_code == 0
    events = [json.loads(line) for line in found.stdout.splitlines()]
    assert [(event["version"], event["data"]) for event in events] == [(2, {"cents": 200}), (2, {"cents": 5})]
