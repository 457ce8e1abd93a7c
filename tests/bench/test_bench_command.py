from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from pydantic import TypeAdapter

from eventlite.bench.results import Results, load, save

Run = Callable[..., Result]

_TINY = ("--events", "200", "--rounds", "2", "--workload", "append", "--dir", "disk")


@pytest.fixture(autouse=True)
def _disk(disk: Path) -> None:
    """Everything here measures on the same disk."""


def test_profiles_are_compared_in_a_table(run: Run, tmp_path: Path) -> None:
    result = run("bench", *_TINY, "--profile", "high-volume", "--profile", "balanced")
    assert result.exit_code == 0, result.stderr
    head, row = (line.split() for line in result.stdout.splitlines()[1:3])
    assert head == ["workload", "high-volume", "balanced", "per", "second"]
    assert (row[0], row[-1]) == ("append", "events")
    assert "[1/1] append" in result.stderr
    assert "a sync takes" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["disk"]
    assert list((tmp_path / "disk").iterdir()) == []


def test_results_go_to_files(run: Run) -> None:
    chosen = ("--workload", "growth", "--profile", "high-volume")
    result = run("bench", *_TINY, *chosen, "--json", "bench.json", "--html", "bench.html")
    assert result.exit_code == 0, result.stderr
    assert "append" in result.stdout
    written = load(Path("bench.json"))
    assert [(one.workload, len(one.rates)) for one in written.figures] == [("append", 2)]
    assert (written.events, written.rounds) == (200, 2)
    assert Path("bench.html").read_text(encoding="utf-8").count("<svg") == 5


@pytest.mark.parametrize("arguments", [("bench", *_TINY, "--json"), ("--json", "bench", *_TINY)])
def test_json_alone_goes_to_stdout(run: Run, arguments: tuple[str, ...]) -> None:
    result = run("--profile", "high-volume", *arguments)
    assert result.exit_code == 0, result.stderr
    written = TypeAdapter(Results).validate_json(result.stdout, strict=False, extra="forbid")
    assert [one.name for one in written.contestants] == ["high-volume"]


def test_the_store_of_the_profile_is_not_touched(run: Run) -> None:
    assert run("append", "mine", "--db", "eventlite.db").exit_code == 0
    before = Path("eventlite.db").read_bytes()
    assert run("bench", "--events", "50", "--rounds", "1", "--workload", "bulk", "--profile", "balanced").exit_code == 0
    assert Path("eventlite.db").read_bytes() == before


def test_a_store_to_measure_in_is_refused(run: Run) -> None:
    result = run("bench", "--db", "eventlite.db")
    assert result.exit_code == 2
    assert "--dir says on which disk" in result.stderr


@pytest.mark.parametrize("option", ["--json", "--html"])
def test_results_replace_nothing_but_results(run: Run, option: str) -> None:
    assert run("append", "mine", "--db", "s.db").exit_code == 0
    Path("notes.html").write_text("<!DOCTYPE html>mine", encoding="utf-8")
    Path("notes.json").write_text('{"mine": 1}', encoding="utf-8")
    for name in ("s.db", "notes.html", "notes.json"):
        before = Path(name).read_bytes()
        result = run("bench", *_TINY, "--profile", "high-volume", option, name)
        assert (result.exit_code, result.stdout) == (1, "")
        assert f"{name} exists already" in result.stderr
        assert "[1/" not in result.stderr  # it is said before anything is measured
        assert Path(name).read_bytes() == before


def test_results_replace_older_results(run: Run) -> None:
    for _ in range(2):
        result = run("bench", *_TINY, "--profile", "high-volume", "--json", "bench.json", "--html", "bench.html")
        assert result.exit_code == 0, result.stderr


def test_a_directory_that_is_not_there_is_told_before_measuring(run: Run) -> None:
    result = run("bench", *_TINY, "--json", "nowhere/bench.json")
    assert result.exit_code == 1
    assert "the directory nowhere does not exist" in result.stderr


def test_an_unknown_workload_is_a_usage_error_that_names_the_others(run: Run) -> None:
    result = run("bench", "--workload", "apend")
    assert result.exit_code == 2
    assert "there is no workload 'apend'" in result.stderr
    assert "page-deep" in result.stderr


def test_an_unknown_profile_is_refused(run: Run) -> None:
    assert run("bench", "--profile", "balnced").exit_code == 8


@pytest.mark.parametrize("option", ["--events", "--rounds"])
def test_nothing_cannot_be_measured(run: Run, option: str) -> None:
    assert run("bench", option, "0").exit_code == 2


def test_compare_shows_what_changed(run: Run, results: Callable[..., Results]) -> None:
    save(results(balanced=[100.0, 101.0, 102.0], gone=[1.0]), Path("a.json"))
    save(results(balanced=[200.0, 201.0, 202.0]), Path("b.json"))
    result = run("bench", "compare", "a.json", "b.json")
    assert result.exit_code == 0, result.stderr
    row = next(line.split() for line in result.stdout.splitlines() if line.startswith("append"))
    assert row == ["append", "balanced", "101", "±0%", "201", "±0%", "1.99", "faster"]
    shown = json.loads(run("bench", "compare", "a.json", "b.json", "--json").stdout)
    assert set(shown[0]) == {"workload", "contestant", "unit", "before", "after", "ratio", "verdict"}
    assert {change["verdict"] for change in shown} == {"faster", "gone"}


def test_compare_refuses_what_is_no_result(run: Run) -> None:
    Path("a.json").write_text("{}", encoding="utf-8")
    result = run("bench", "compare", "a.json", "a.json")
    assert result.exit_code == 1
    assert "does not hold results of a benchmark" in result.stderr


def test_compare_finds_no_file(run: Run) -> None:
    assert run("bench", "compare", "none.json", "none.json").exit_code == 3
