"""The profile `postgres` as its users meet it: on the command line, beside a file, with jobs and projections."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventlite_postgres.scratch import PREFIX

from eventlite import Kernel, NewEvent, Query

ROOT = Path(__file__).parents[2]

_Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, postgres: dict[str, str]) -> _Run:
    """Run `eventlite` under the profile, and return what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EVENTLITE_")}
    environ |= {
        "EVENTLITE_PROFILE": "postgres",
        "EVENTLITE_STORAGE__DSN": postgres["dsn"],
        "EVENTLITE_STORAGE__SCHEMA": postgres["schema"],
        "NO_COLOR": "1",
    }

    def run(*arguments: object, code: int = 0, **more: str) -> str:
        command = [sys.executable, "-m", "eventlite", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ | more, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + (done.stderr if code else "")

    return run


def fill(kernel: Kernel) -> None:
    """Events with every kind of value."""
    root = kernel.append(
        "opened", {"z": [1, 1.0, -0.0, 2**64 - 1], "a": "é\0\u2028"}, user="ä", tags=["t", "u"], key="k"
    )
    kernel.append("paid", {"n": 1e300}, cause=root, metadata={"m": None}, ip="::1", version=3)
    kernel.append_bulk([NewEvent("filled", {"n": n}, tags=[f"n:{n % 7}"]) for n in range(2000)])


@pytest.mark.parametrize("name", ["events.jsonl", "events.csv"])
def test_export_here_and_import_there_give_equal_digests(name: str, postgres: dict[str, str], tmp_path: Path) -> None:
    file = {"path": str(tmp_path / "a.db")}
    with Kernel.from_profile(storage=file) as sqlite, Kernel.from_profile("postgres", storage=postgres) as ours:
        fill(sqlite)
        there = sqlite.export_file(tmp_path / f"sqlite-{name}")
        here = ours.import_file(tmp_path / f"sqlite-{name}")
        back = ours.export_file(tmp_path / f"postgres-{name}")
        assert there.digest == here.digest == back.digest == ours.verify().digest
        assert (tmp_path / f"sqlite-{name}").read_bytes() == (tmp_path / f"postgres-{name}").read_bytes()
        assert list(ours.read()) == list(sqlite.read())
    with Kernel.from_profile(storage={"path": str(tmp_path / "b.db")}) as again:
        assert again.import_file(tmp_path / f"postgres-{name}").digest == there.digest


def test_the_permit_log_goes_both_ways(postgres: dict[str, str], permit_log: Any, tmp_path: Path) -> None:
    with (
        Kernel.from_profile(storage={"path": str(tmp_path / "a.db")}) as sqlite,
        Kernel.from_profile("postgres", storage=postgres) as ours,
    ):
        imported = [kernel.import_file(permit_log.path, mapping=permit_log.mapping) for kernel in (sqlite, ours)]
        assert imported[0].count == imported[1].count > 0
        there, here = (kernel.export_file(tmp_path / f"{kernel.profile.name}.jsonl") for kernel in (sqlite, ours))
        assert there.digest == here.digest == sqlite.verify().digest == ours.verify().digest
    with Kernel.from_profile(storage={"path": str(tmp_path / "b.db")}) as again:
        assert again.import_file(tmp_path / "postgres.jsonl").digest == here.digest


def test_the_command_line_works_on_it(run: _Run, tmp_path: Path) -> None:
    run("append", "placed", "order=A1", "--user", "alice")
    assert json.loads(run("get", "1", "--json"))["data"] == {"order": "A1"}
    assert "placed" in run("log")
    run("export", "out.jsonl")
    assert json.loads(run("stats", "--json"))["events"] == 1
    assert "sound" in run("verify").lower() or "1 event" in run("verify")
    run("doctor")
    assert "cmd" in run("indexes", "list")
    run("indexes", "apply", "cmd", "user")
    assert "user" in run("indexes", "list")
    run("import", "out.jsonl", code=1)


def test_no_secret_is_shown(run: _Run, postgres: dict[str, str]) -> None:
    run("append", "a")
    secret = psycopg.conninfo.make_conninfo(postgres["dsn"], password="hunter2")
    for arguments in (("profiles", "show", "postgres"), ("stats",), ("doctor",)):
        assert "hunter2" not in run(*arguments, EVENTLITE_STORAGE__DSN=secret)
    shown = run("stats", code=7, EVENTLITE_STORAGE__DSN="host=/nowhere password=hunter2")
    assert "cannot be reached" in shown
    assert "hunter2" not in shown


def test_a_backup_is_left_to_the_servers_tools(run: _Run) -> None:
    run("append", "a")
    assert "its own tools" in run("backup", "copy", code=7)


def test_the_tour_of_the_readme_works_under_it(postgres: dict[str, str], tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    tour = next(block for block in blocks if "from_profile(" in block)
    moved, times = re.subn(r'from_profile\("balanced", storage=\{[^}]*\}\)', "from_profile(STORE, storage=HERE)", tour)
    assert times == 1
    names: dict[str, Any] = {"STORE": "postgres", "HERE": postgres}
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        exec(compile(moved, "README.md", "exec"), names)
    finally:
        os.chdir(before)
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        assert kernel.count(Query(cmd="userRegistered")) >= 2


def test_the_bench_measures_beside_the_store(run: _Run, postgres: dict[str, str]) -> None:
    run("append", "mine")
    workloads = ("append", "append-tasks", "bulk", "get", "import", "project-sql", "jobs-run-8", "growth")
    chosen = [part for name in workloads for part in ("--workload", name)]
    shown = json.loads(run("bench", "--profile", "postgres", "--events", "100", "--rounds", "1", *chosen, "--json"))
    assert [figure["workload"] for figure in shown["figures"]] == list(workloads[:-1])
    assert (len(shown["curves"]), shown["left_out"]) == (4, [])
    assert json.loads(run("stats", "--json"))["events"] == 1
    with psycopg.connect(postgres["dsn"]) as connection:
        left = connection.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (PREFIX,))
        assert left.fetchall() == []
