"""`indexes list|apply`: what a store has, what its profile asks for, and making them one."""

from __future__ import annotations

import json
from collections.abc import Callable

from click.testing import Result

from eventlite import Event


def existing(run: Callable[..., Result]) -> set[str]:
    return {index["name"] for index in json.loads(run("indexes", "list", "--json").stdout) if index["exists"]}


def test_list_shows_what_exists_and_what_is_declared(store: list[Event], done: Callable[..., str]) -> None:
    listed = {line.split()[0]: line.split()[-2:] for line in done("indexes", "list").splitlines()}
    assert listed["index"] == ["exists", "declared"]
    assert listed["correlation_id"] == listed["cmd"] == ["yes", "yes"]
    assert listed["user"] == ["-", "-"]


def test_list_says_what_apply_would_do(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("indexes", "list", "--profile", "query-optimized")
    assert result.exit_code == 0
    assert "`eventlite indexes apply` builds" in result.stderr
    assert "user_datetime" in result.stderr
    assert "drops cmd, datetime" in run("indexes", "list", "--profile", "high-volume").stderr


def test_apply_makes_the_indexes_those_of_the_profile(store: list[Event], run: Callable[..., Result]) -> None:
    applied = json.loads(run("indexes", "apply", "--profile", "high-volume", "--json").stdout)
    assert (applied["built"], sorted(applied["dropped"])) == ([], ["cmd", "datetime"])
    assert existing(run) == set(applied["active"]) == {"correlation_id", "causation_id"}
    again = run("indexes", "apply", "--profile", "high-volume")
    assert (again.exit_code, again.stdout) == (0, "")
    assert "Nothing to do" in again.stderr


def test_apply_takes_names(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("indexes", "apply", "user", "cmd")
    assert result.exit_code == 0
    assert set(result.stdout.splitlines()) == {
        "built user",
        *(f"dropped {name}" for name in ("causation_id", "correlation_id", "datetime")),
    }
    assert existing(run) == {"user", "cmd"}


def test_apply_refuses_an_unknown_name_and_changes_nothing(store: list[Event], run: Callable[..., Result]) -> None:
    before = existing(run)
    result = run("indexes", "apply", "user", "colour")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "colour" in result.stderr
    assert existing(run) == before


def test_without_a_store_there_is_nothing_to_list(run: Callable[..., Result]) -> None:
    assert [run("indexes", verb).exit_code for verb in ("list", "apply")] == [3, 3]
