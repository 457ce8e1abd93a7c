from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from eventlite import Kernel, Query
from eventlite.cli.demo_events import order_events


def test_the_demo_shows_every_step_and_leaves_a_sound_store(done: Callable[..., str]) -> None:
    text = done("demo")
    assert re.findall(r"^([a-z]+) {2,}\S", text, re.MULTILINE) == [
        "ingest",
        "ask",
        "query",
        "page",
        "cache",
        "job",
        "export",
    ]
    assert "\x1b" not in text
    assert "eventlite-demo.db" in text
    assert "sound" in done("verify", "--db", "eventlite-demo.db")


def test_what_the_demo_suggests_works(done: Callable[..., str], run: Callable[..., Result]) -> None:
    suggested = re.findall(r"^  eventlite (.+)$", done("demo", "--db", "my store.db"), re.MULTILINE)
    assert len(suggested) >= 3
    for line in suggested:
        arguments = [word for word in shlex.split(line) if word != "-f"]  # following has no end
        assert run(*arguments).exit_code == 0


@pytest.mark.parametrize("profile", ["high-volume", "balanced", "query-optimized"])
def test_the_facts_of_the_demo_are_those_of_its_store(profile: str, done: Callable[..., str]) -> None:
    facts = json.loads(done("demo", "--json", "--profile", profile))
    assert facts["profile"] == profile
    assert facts["cache"]["hits"] == (0 if profile == "high-volume" else facts["cache"]["reads"] - 1)
    assert facts["job"]["attempts"] == 1
    with Kernel.from_profile(profile, create=False, storage={"path": facts["store"]}) as kernel:
        assert kernel.head() == facts["export"]["events"] == facts["ingest"]["events"] + 2
        assert kernel.verify().digest == facts["export"]["digest"]
        assert kernel.count(Query(cmd="orderPlaced")) == facts["page"]["total_count"] == 1000
        assert len(Path(facts["export"]["path"]).read_bytes().splitlines()) == kernel.head()


def test_the_demo_overwrites_nothing(run: Callable[..., Result]) -> None:
    Path("eventlite-demo.db").write_text("mine")
    Path("eventlite-demo-2.jsonl").write_text("mine")
    result = run("demo")
    assert result.exit_code == 0
    assert "eventlite-demo-3.db" in result.stdout
    assert "eventlite-demo-3.db" in result.stderr
    assert Path("eventlite-demo.db").read_text() == Path("eventlite-demo-2.jsonl").read_text() == "mine"


@pytest.mark.parametrize("taken", ["shop.db", "shop.jsonl"])
def test_the_demo_refuses_a_name_that_is_taken(taken: str, run: Callable[..., Result]) -> None:
    Path(taken).write_text("mine")
    result = run("demo", "--db", "shop.db")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{taken} exists already" in result.stderr
    assert [path.name for path in Path().iterdir()] == [taken]


def test_the_demo_runs_on_a_storage_without_a_path(tmp_path: Path, run: Callable[..., Result]) -> None:
    profile = tmp_path / "memory.toml"
    profile.write_text('[storage]\nplugin = "memory"\n')
    result = run("demo", "--profile", str(profile), "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["store"] is None


def test_the_events_of_the_demo_are_the_same_every_time() -> None:
    first, second = ([(event.cmd, event.data) for event in order_events(50)] for _ in range(2))
    assert first == second
    assert len({cmd for cmd, _ in first}) == 6
