"""A directory of one's own, profiles, and a way to run the command line and the scripts of `benchmarks/`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eventlite.bench.results import Contestant, Curve, Results, figure
from eventlite.bench.surroundings import Surroundings

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

_IN_MEMORY = """
[profile]
name = "in-memory"
extends = "high-volume"
[storage]
plugin = "memory"
[indexing]
plugin = "none"
"""


@pytest.fixture(autouse=True)
def _alone(alone: None) -> None:
    """No settings from outside."""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """Where stores are made."""
    place = tmp_path / "disk"
    place.mkdir()
    return place


@pytest.fixture
def in_memory(tmp_path: Path) -> str:
    """A profile whose storage has no path."""
    path = tmp_path / "in-memory.toml"
    path.write_text(_IN_MEMORY, encoding="utf-8")
    return str(path)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Install a plugin, a module given by its source, for a group of entry points."""

    def install(name: str, group: str, source: str) -> None:
        folder = tmp_path / "installed" / name
        about = folder / f"{name}-1.0.dist-info"
        about.mkdir(parents=True)
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
        (about / "entry_points.txt").write_text(f"[eventlite.{group}]\n{name} = {name}\n", encoding="utf-8")
        (folder / f"{name}.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(str(folder))

    return install


@pytest.fixture
def run() -> Callable[..., Result]:
    """Run a command line in this process."""

    def invoke(*arguments: str | Path) -> Result:
        from eventlite.cli import cli

        return CliRunner().invoke(cli, [str(argument) for argument in arguments])

    return invoke


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Run a module of `benchmarks/` as a process; returns what it wrote on stdout.

    It stands alone beside the directory, so that EventLite is the one that is installed.
    """
    (tmp_path / "benchmarks").symlink_to(_BENCHMARKS, target_is_directory=True)

    def start(module: str, *arguments: str | Path) -> str:
        command = [sys.executable, "-m", f"benchmarks.{module}", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return start


@pytest.fixture
def results() -> Callable[..., Results]:
    """Results of one workload, `append`, by contestant: their rates."""

    def make(**rates: list[float]) -> Results:
        here = Surroundings("chip", 2, None, "Linux 6", "CPython 3", "0.1.0", "3.40.1", "ext4", 250.0, 400.0, None)
        return Results(
            when="2026-01-31T12:00:00+00:00",
            events=100,
            rounds=3,
            surroundings=here,
            contestants=[Contestant(name) for name in rates],
            figures=[figure("append", name, "events", those) for name, those in rates.items()],
            curves=[
                Curve(
                    "index-cost", "by indexes", "indexes", [(x, figure("bulk", name, "events", those)) for x in (0, 8)]
                )
                for name, those in rates.items()
            ],
        )

    return make
