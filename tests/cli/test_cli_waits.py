"""`waits list|cancel|retry`: what is waited for, and calling it off."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from eventlite import Event, Kernel, Query


@pytest.fixture
def waiting(store: list[Event]) -> None:
    """Two open waits, the second of which is ready but refused: its key is taken."""
    with Kernel.from_profile() as kernel:
        kernel.append("invoiced", {"n": 1}, key="taken")
        kernel.append_when("orderClosed", all_of=["orderPaid", Query(cmd=["a", "b"])], sequence=["x"], timeout=3600)
        kernel.append_when("invoiced", {"n": 2}, any_of=["orderShipped"], after=0, key="taken", correlation_id="c")
        kernel.append_when("invoiced", {"n": 2}, any_of=["orderShipped"], after=0, key="taken")
        kernel.append("orderPaid")
        kernel.run_until_idle()


def test_list_shows_what_is_waited_for_and_how_far_it_is(waiting: None, done: Callable[..., str]) -> None:
    heading, first, second, third = done("waits", "list").splitlines()
    assert heading.split() == ["wait", "state", "appends", "when", "until", "error"]
    assert "1  pending  orderClosed  all of orderPaid, a or b (1 of 2); sequence x (0 of 1)" in first
    assert "any of orderShipped (0 of 1)" in second
    assert "any of orderShipped (1 of 1)" in third and "ready" in third and "ConflictError: " in third
    assert len(done("waits", "list", "--state", "ready").splitlines()) == 2
    assert len(done("waits", "list", "--correlation", "c").splitlines()) == 2
    assert len(done("waits", "list", "--after", "1", "--limit", "1").splitlines()) == 2


def test_list_says_when_there_is_nothing(waiting: None, run: Callable[..., Result]) -> None:
    result = run("waits", "list", "--state", "executed")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No wait is executed.\n")


def test_cancel_calls_waits_off(waiting: None, run: Callable[..., Result], done: Callable[..., str]) -> None:
    assert done("waits", "cancel", "1", "2") == "cancelled 1\ncancelled 2\n"
    assert len(done("waits", "list", "--state", "cancelled").splitlines()) == 3
    again = run("waits", "cancel", "1")
    assert (again.exit_code, again.stdout) == (4, "")
    assert "wait 1 is cancelled" in again.stderr
    assert run("waits", "cancel", "99").exit_code == 3
    assert run("waits", "cancel").exit_code == run("waits", "cancel", "x").exit_code == 2


def test_retry_has_a_refused_wait_try_again(
    waiting: None, run: Callable[..., Result], done: Callable[..., str]
) -> None:
    assert done("waits", "retry", "3") == "retried 3\n"
    with Kernel.from_profile() as kernel:
        assert kernel.waits.get(3).error is None
        kernel.run_until_idle()
        assert kernel.waits.get(3).error is not None
    assert run("waits", "retry", "1").exit_code == 4


def test_prune_forgets_those_that_are_closed(
    waiting: None, run: Callable[..., Result], done: Callable[..., str]
) -> None:
    done("waits", "cancel", "1")
    assert done("waits", "prune", "--older-than", "3600") == "forgot 0 waits\n"
    assert json.loads(done("waits", "prune", "--older-than", "0", "--json")) == {"forgotten": 1}
    assert len(done("waits", "list").splitlines()) == 3  # the open ones stay
    assert run("waits", "cancel", "1").exit_code == 3
    assert run("waits", "prune").exit_code == run("waits", "prune", "--older-than", "-1").exit_code == 2
