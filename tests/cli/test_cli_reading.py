from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result

from eventlite import Event, Kernel, NewEvent


def ids(text: str) -> list[int]:
    """The ids of the events in the lines of a log."""
    return [int(line.split()[0]) for line in text.splitlines()]


def test_get_shows_all_fields(store: list[Event], done: Callable[..., str]) -> None:
    text = done("get", "2")
    for value in ("orderPaid", "bank", store[1].correlation_id, "order:A1", '    "amount": 12.5'):
        assert value in text
    assert "ip" not in text.split()


def test_get_json_is_the_event(store: list[Event], done: Callable[..., str]) -> None:
    assert json.loads(done("get", "2", "--json")) == store[1].to_dict()


def test_get_of_an_unknown_event_is_not_found(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("get", "7")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "eventlite: there is no event 7\n  The last event is 6.\n"


@pytest.mark.parametrize("id", ["0", "-1", "x", "1.5"])
def test_get_of_what_is_no_id_is_a_usage_error(id: str, store: list[Event], run: Callable[..., Result]) -> None:
    assert run("get", "--", id).exit_code == 2


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], [1, 2, 3, 4, 5, 6]),
        (["--limit", "2"], [5, 6]),
        (["-n", "2", "--reverse"], [6, 5]),
        (["-n", "2", "--before", "5"], [3, 4]),
        (["--after", "4"], [5, 6]),
        (["--all", "--after", "1", "--before", "4"], [2, 3]),
        (["--all", "--reverse"], [6, 5, 4, 3, 2, 1]),
        (["--all", "--limit", "1"], [1, 2, 3, 4, 5, 6]),
        (["--cmd", "orderPaid", "--cmd", "orderPlaced"], [1, 2]),
        (["--user", "dock"], [3, 5]),
        (["--user", "dock", "--cmd", "orderPaid"], []),
        (["--causation", "2"], [3, 4]),
        (["--tag", "order:A1"], [1, 2]),
        (["--where", "to.city=Delft"], [1]),
        (["--where", "amount=12.5", "--where", "order=A1"], [2]),
        (["--since", "2020-01-01", "--until", "2020-01-02"], []),
        (["--since", "2020-01-01", "-n", "1"], [6]),
    ],
)
def test_log_lists_what_is_asked_for(
    options: list[str], found: list[int], store: list[Event], done: Callable[..., str]
) -> None:
    assert ids(done("log", *options)) == found
    assert [event["id"] for event in json.loads(done("log", "--json", *options))] == found


def test_log_by_correlation(store: list[Event], done: Callable[..., str]) -> None:
    assert ids(done("log", "--correlation", store[0].correlation_id)) == [1, 2, 3, 4, 5]


def test_log_lines_are_aligned_and_whole_in_a_pipe(store: list[Event], done: Callable[..., str]) -> None:
    lines = done("log").splitlines()
    assert lines[0].split() == ["1", f"{store[0].to_dict()['datetime'][:23]}Z", "orderPlaced", "alice", store[0].row[6]]
    assert len({line.index("{") for line in lines}) == 1


def test_log_streams_more_events_than_it_reads_at_once(done: Callable[..., str]) -> None:
    with Kernel.from_profile() as kernel:
        kernel.append_bulk([NewEvent("x", {"n": n}) for n in range(2500)])
    assert ids(done("log", "--all")) == list(range(1, 2501))
    assert [event["data"]["n"] for event in json.loads(done("log", "--all", "--json"))] == list(range(2500))


def test_tail_shows_the_last_events(store: list[Event], done: Callable[..., str]) -> None:
    assert ids(done("tail", "-n", "2")) == [5, 6]
    assert ids(done("tail", "--cmd", "orderPaid")) == [2]
    assert done("tail", "-n", "0") == ""
    assert [json.loads(line) for line in done("tail", "-n", "2", "--json").splitlines()] == [
        event.to_dict() for event in store[4:]
    ]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_tail_follows_what_matches_and_is_appended_elsewhere(options: list[str], store: list[Event]) -> None:
    command = [sys.executable, "-m", "eventlite", "tail", "-f", "-n", "1", "--cmd", "orderPaid", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout is not None
        try:
            assert "A1" in follower.stdout.readline()
            with Kernel.from_profile(create=False) as kernel:
                kernel.append_many([NewEvent("orderPlaced", {"order": "B2"}), NewEvent("orderPaid", {"order": "B2"})])
                assert "B2" in follower.stdout.readline()
                kernel.append("orderPaid", {"order": "C3"})
            assert "C3" in follower.stdout.readline()
        finally:
            follower.kill()


@pytest.mark.parametrize(
    "verb", [["log"], ["tail"], ["get", "1"], ["trace", "1"], ["stats"], ["log", "--json"], ["stats", "--json"]]
)
def test_no_escape_in_an_event_reaches_the_screen(verb: list[str], done: Callable[..., str]) -> None:
    bad = "\x1b[31m\x9b2J\u202ename\n\r[bold]"
    with Kernel.from_profile() as kernel:
        kernel.append(
            f"cmd{bad}", {bad: bad}, user=bad, ip=bad, tags=[bad], key=bad, metadata={bad: bad}, correlation_id=bad
        )
    text = done(*verb)
    assert not set(text) & set("\x1b\x9b\u202e\r")
    assert "[bold]" in text


def test_a_damaged_event_is_named(store: list[Event], run: Callable[..., Result]) -> None:
    with sqlite3.connect("eventlite.db") as connection:
        connection.execute("UPDATE event SET data = replace(data, '12.5', '92.5') WHERE id = 2")
    connection.close()
    for verb in (["get", "2"], ["log"], ["log", "--json"], ["trace", "2", "--json"]):
        result = run(*verb)
        assert result.exit_code == 5
        assert "event 2 is damaged" in result.stderr
