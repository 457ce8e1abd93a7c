"""Every script of `benchmarks/` in its tiny form, so that none rots; figures are not looked at."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from eventlite import NewEvent
from eventlite.bench import Scale, Stage
from eventlite.bench.results import load

Script = Callable[..., str]


@pytest.mark.timeout(300)  # some two dozen races: seconds alone, minutes where much else runs
def test_peers_race_and_those_that_are_not_installed_are_left_out(script: Script, disk: Path) -> None:
    shown = script("peers", "--quick", "--json", "peers.json", "--dir", disk)
    results = load(Path("peers.json"))
    ran = {one.workload for one in results.figures}
    assert {"append-full", "append-normal", "append-together", "bulk", "stream", "get", "correlation", "page"} < ran
    assert all(
        (race, "sqlite3") in {(one.workload, one.contestant) for one in results.figures} for race in ("bulk", "get")
    )
    assert all("not installed" in one.reason for one in results.left_out)
    told = json.loads(Path("peers.json").read_bytes())["targets"]
    reached = [(one["race"], one["other"]) for one in told if one["reached"] is not None]
    assert ("append-full", "sqlite3") in reached
    assert "at least" in shown
    assert list(disk.iterdir()) == []


def test_growth_is_measured_at_growing_sizes_and_drawn(script: Script, disk: Path) -> None:
    script("growth", "--quick", "--json", "2026-01-31-growth.json", "--html", "growth.html", "--dir", disk)
    curves = load(Path("2026-01-31-growth.json")).curves
    assert {curve.name for curve in curves} == {"growth-append", "growth-get", "growth-correlation", "growth-page-deep"}
    assert all([x for x, _ in curve.points] == [200, 600] for curve in curves)
    assert Path("growth.html").read_text(encoding="utf-8").count("<svg") == 4
    script("plots", "--output", "plots", "2026-01-31-growth.json")
    assert {path.stem for path in Path("plots").iterdir()} == {curve.name for curve in curves}


def test_memory_is_measured_in_processes_of_their_own(script: Script, disk: Path) -> None:
    pytest.importorskip("resource", reason="Windows does not say how much memory a process had")
    shown = script("memory", "--quick", "--json", "memory.json", "--dir", disk)
    measured = json.loads(Path("memory.json").read_bytes())["memory"]
    assert [one["work"] for one in measured] == ["append_bulk", "stream", "export", "import"]
    assert all(set(one["growth"]) == {"500"} for one in measured)
    assert shown.count("MiB at 500") == 4


def test_the_import_is_timed(script: Script) -> None:
    shown = script("imports", "--quick", "--json", "imports.json")
    measured = json.loads(Path("imports.json").read_bytes())
    assert measured["heavy"] == []
    for kind in ("bare", "with_eventlite"):
        assert 0 < measured[kind]["low"] <= measured[kind]["median"] <= measured[kind]["high"]
    assert "bare interpreter" in shown


def test_a_follower_in_another_process_is_measured(script: Script, disk: Path) -> None:
    shown = script("following", "--quick", "--json", "following.json", "--dir", disk)
    measured = json.loads(Path("following.json").read_bytes())
    assert 0 < measured["median_delay"] <= measured["delay_95"]
    assert measured["idle_share"] >= 0
    assert len(measured["takeovers"]) == 1
    assert min(measured["rates"].values()) > 0 and len(measured["rates"]) == 5
    assert "of a core" in shown
    assert list(disk.iterdir()) == []


def test_the_results_that_are_kept_can_be_read() -> None:
    kept = Path(__file__).parents[2] / "benchmarks" / "results"
    for path in [*kept.glob("*-matrix.json"), *kept.glob("*-peers.json"), *kept.glob("*-growth.json")]:
        assert load(path).surroundings.processor, path


@pytest.mark.parametrize("storage", ["sqlite", "postgres"])
def test_jobs_are_run_with_and_without_finished_ones(script: Script, disk: Path, storage: str) -> None:
    shown = script("jobs", "--quick", "--storage", storage, "--json", "jobs.json", "--dir", disk)
    assert len(json.loads(Path("jobs.json").read_bytes())["rates"]) == 4
    assert shown.count("of the rate without") == 2


@pytest.fixture
def loads(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sequence[Any]]:
    """The loads of `benchmarks.tricks`, the usual one first."""
    monkeypatch.syspath_prepend(tmp_path)
    yield import_module("benchmarks.tricks.tricks").LOADS
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_every_trick_of_the_bulk_path_is_switched_off_in_turn(script: Script, loads: Sequence[Any], disk: Path) -> None:
    script("tricks", "--quick", "--json", "2026-01-31-tricks.json", "--dir", disk)
    worth = json.loads(Path("2026-01-31-tricks.json").read_bytes())["worth"]
    assert [one["trick"] for one in worth] == [way.trick for way in loads if way.trick]
    assert {one["profile"] for one in worth} == {"high-volume"}
    assert all(0 < one["low"] <= one["median"] <= one["high"] for one in worth)
    assert list(disk.iterdir()) == []


def test_a_load_without_a_trick_stores_the_same(loads: Sequence[Any], disk: Path) -> None:
    """Else it would be compared with something else."""
    with Stage("high-volume", disk, Scale(200, 1)) as stage:
        events = stage.events(200)
        stored = {way.name: _stored_by(way, stage, events) for way in loads}
    assert all(content == stored["as it is"] for content in stored.values())


def _stored_by(way: Any, stage: Stage, events: list[NewEvent]) -> list[tuple[object, ...]]:
    """What a load stores, but for times, correlation ids and therefore checksums, which are right."""
    with way.off(), stage.fresh() as kernel:
        kernel.append_bulk(way.change([replace(event) for event in events]), way.batch_size)
        assert kernel.verify().problems == []
        return [(*event.row[:2], *event.row[3:7], *event.row[8:12]) for event in kernel.read()]


def test_the_tables_of_the_guide_are_those_of_the_results_that_are_kept(script: Script) -> None:
    script("tables", "--check", "--guide", Path(__file__).parents[2] / "docs" / "performance.md")
