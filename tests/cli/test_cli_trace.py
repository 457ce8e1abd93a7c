from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result

from eventlite import Event, Kernel, NewEvent


def test_trace_draws_the_tree_of_causes(store: list[Event], done: Callable[..., str]) -> None:
    lines = done("trace", "3").splitlines()
    assert [(line[: line.index(" order" if "order" in line else " customer")]) for line in lines] == [
        "1", "└── 2", "    ├── 3", "    │   └── 5", "    └── 4",
    ]  # fmt: skip
    assert [line.endswith("← this one") for line in lines] == [False, False, True, False, False]


def test_trace_json_has_the_tree_and_the_way_from_its_root(store: list[Event], done: Callable[..., str]) -> None:
    tree = json.loads(done("trace", "3", "--json"))
    assert (tree["event"], tree["root"], tree["lineage"], tree["complete"]) == (3, 1, [1, 2, 3], True)
    assert [(event["depth"], event["id"]) for event in tree["events"]] == [(0, 1), (1, 2), (2, 3), (2, 4), (3, 5)]


def test_trace_of_an_unknown_event_is_not_found(store: list[Event], run: Callable[..., Result]) -> None:
    assert run("trace", "99").exit_code == 3


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_a_limit_keeps_the_lineage_and_says_what_is_left_out(
    limit: int, store: list[Event], run: Callable[..., Result]
) -> None:
    result = run("trace", "3", "--limit", str(limit), "--json")
    tree = json.loads(result.stdout)
    assert tree["lineage"] == [1, 2, 3]
    assert len(tree["events"]) == max(limit, 3)
    assert not tree["complete"]
    assert "--limit" in result.stderr


def test_an_event_without_causes_points_to_its_correlation(run: Callable[..., Result]) -> None:
    with Kernel.from_profile() as kernel:
        kernel.append_many([NewEvent("x", correlation_id="case 7"), NewEvent("y", correlation_id="case 7")])
    result = run("trace", "1")
    assert result.exit_code == 0
    assert "1 other event" in result.stderr
    assert "eventlite log --correlation 'case 7'" in result.stderr


def test_the_way_to_its_correlation_leads_to_the_same_store(run: Callable[..., Result]) -> None:
    with Kernel.from_profile(storage={"path": "of mine.db"}) as kernel:
        kernel.append_many([NewEvent("x", correlation_id="case"), NewEvent("y", correlation_id="case")])
    told = run("trace", "1", "--db", "of mine.db", "--profile", "high-volume").stderr
    assert told.endswith("eventlite log --correlation case --db 'of mine.db' --profile high-volume\n")


def test_a_long_chain_is_drawn(done: Callable[..., str]) -> None:
    with Kernel.from_profile() as kernel:
        chain = [NewEvent("x")]
        for _ in range(400):
            chain.append(NewEvent("x", cause=chain[-1]))
        kernel.append_many(chain)
    assert len(done("trace", "401", "-n", "5000").splitlines()) == 401
