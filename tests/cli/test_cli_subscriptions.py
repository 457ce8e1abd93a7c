"""`subscriptions list|pause|resume|reset|dead`: who follows, how far, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from eventlite import Event, Kernel, Query


@pytest.fixture
def follow() -> Callable[..., Any]:
    """Run a handler over the store until nothing more comes."""

    def follow(handler: Callable[[Event], Any] = lambda event: None, name: str = "mailer") -> int:
        with Kernel.from_profile() as kernel:
            return kernel.subscribe(Query(), name=name).run(handler, on_error="dead-letter", idle_after=0)

    return follow


def refuse_even(event: Event) -> None:
    if event.id % 2 == 0:
        raise ValueError("\x1b[31mno")


def test_list_shows_where_each_one_stands(store: list[Event], run: Callable[..., Result], follow: Any) -> None:
    assert "No subscription" in run("subscriptions", "list").stderr
    follow(refuse_even)
    with Kernel.from_profile() as kernel:
        kernel.append("x")
    heading, line = run("subscriptions", "list").stdout.splitlines()
    assert heading.split()[:5] == ["subscription", "state", "position", "lag", "dead"]
    assert line.split()[:5] == ["mailer", "stopped", "6", "1", "3"]
    assert line.rstrip().endswith("ValueError: \\x1b[31mno (event 6)")


def test_one_that_is_paused_gets_nothing_until_it_is_resumed(
    store: list[Event], done: Callable[..., str], follow: Any
) -> None:
    assert follow() == 6
    assert done("subscriptions", "pause", "mailer") == "paused mailer at 6, 0 events behind\n"
    with Kernel.from_profile() as kernel:
        kernel.append("x")
    assert follow() == 0
    assert "paused" in done("subscriptions", "list")
    assert done("subscriptions", "resume", "mailer") == "resumed mailer at 6, 1 event behind\n"
    assert follow() == 1


def test_one_that_is_reset_begins_again(store: list[Event], done: Callable[..., str], follow: Any) -> None:
    follow()
    assert done("subscriptions", "reset", "mailer", "--to", "4") == "reset mailer at 4, 2 events behind\n"
    assert follow() == 2
    done("subscriptions", "reset", "mailer")
    assert follow() == 6


def test_dead_letters_are_shown_handled_again_and_forgotten(
    store: list[Event], done: Callable[..., str], run: Callable[..., Result], follow: Any
) -> None:
    follow(refuse_even)
    lines = done("subscriptions", "dead", "mailer").splitlines()
    assert [line.split()[0] for line in lines] == ["event", "2", "4", "6"]
    assert done("subscriptions", "dead", "mailer", "--retry", "2", "--retry", "4") == "2 events will be handled again\n"
    follow(lambda event: refuse_even(event) if event.id == 4 else None)
    assert [line.split()[0] for line in done("subscriptions", "dead", "mailer").splitlines()] == ["event", "4", "6"]
    assert done("subscriptions", "dead", "mailer", "--drop", "4") == "1 event forgotten\n"
    assert done("subscriptions", "dead", "mailer", "--retry-all") == "1 event will be handled again\n"
    follow()
    assert "No event was left out" in run("subscriptions", "dead", "mailer").stderr


def test_what_there_is_not_is_not_found(store: list[Event], run: Callable[..., Result], follow: Any) -> None:
    assert run("subscriptions", "pause", "mailer").exit_code == 3
    follow()
    for arguments in ("pause x", "resume x", "reset x", "dead x", "dead mailer --retry 2", "dead mailer --drop 2"):
        result = run("subscriptions", *arguments.split())
        assert (result.exit_code, result.stdout) == (3, "")
    assert "There are: mailer." in run("subscriptions", "pause", "x").stderr
    assert run("subscriptions", "reset", "mailer", "--to", "99").exit_code == 2
    assert run("subscriptions", "dead", "mailer", "--retry", "1", "--drop-all").exit_code == 2
    assert run("subscriptions", "list", "--db", "none.db").exit_code == 3


def test_delete_forgets_one_and_asks_before_it_forgets_events(
    store: list[Event], run: Callable[..., Result], done: Callable[..., str], follow: Any
) -> None:
    follow(refuse_even)
    refused = run("subscriptions", "delete", "mailer")
    assert (refused.exit_code, refused.stdout) == (4, "")
    assert "left out 3 events" in refused.stderr and "--force" in refused.stderr
    assert done("subscriptions", "delete", "mailer", "--force") == "deleted mailer at 6, 0 events behind\n"
    assert done("subscriptions", "list", "--json") == "[]\n"
    assert run("subscriptions", "delete", "mailer").exit_code == 3
    assert follow() == 6  # from the first event on
    with Kernel.from_profile() as kernel:
        assert kernel.subscriptions.dead_letters("mailer") == []
