"""What is built is what is promised, and works where nothing but pip has been."""

from __future__ import annotations

import json
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[1]
PLUGINS = {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}


@pytest.fixture
def in_wheel(distributions: Path) -> set[str]:
    """The names of the files in the wheel."""
    [wheel] = distributions.glob("eventlite_sourcing-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_has_the_core_and_every_plugin_at_its_top(in_wheel: set[str]) -> None:
    top = {name.partition("/")[0] for name in in_wheel}
    assert {name for name in top if not name.endswith(".dist-info")} == {"eventlite", *PLUGINS}


def test_the_wheel_has_every_module_and_data_file(in_wheel: set[str]) -> None:
    folders = [ROOT / "eventlite", *(ROOT / "plugins" / name for name in PLUGINS)]
    files = [path.relative_to(folder.parent) for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert {path.as_posix() for path in files if "__pycache__" not in path.parts} <= in_wheel


def test_the_wheel_has_the_profiles(in_wheel: set[str]) -> None:
    names = {path.name for path in (ROOT / "profiles").glob("*.toml")}
    assert {"balanced.toml", "high-volume.toml", "query-optimized.toml"} <= names
    assert {f"eventlite/_profiles/{name}" for name in names} <= in_wheel


def test_every_package_of_the_wheel_says_that_it_is_typed(in_wheel: set[str]) -> None:
    assert {f"{package}/py.typed" for package in ("eventlite", *PLUGINS)} <= in_wheel


def test_the_wheel_has_nothing_else(in_wheel: set[str]) -> None:
    suffixes = {PurePosixPath(name).suffix for name in in_wheel if ".dist-info/" not in name}
    assert suffixes <= {".py", ".typed", ".toml", ".sql"}
    assert not [name for name in in_wheel if "__pycache__" in name or "/tests/" in name or "/docs/" in name]


def test_the_source_distribution_can_be_tested_and_read(distributions: Path) -> None:
    [sdist] = distributions.glob("eventlite_sourcing-*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {PurePosixPath(*PurePosixPath(name).parts[1:]).as_posix() for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "plugins/README.md", "tests/test_packaging.py"} <= names
    assert not [name for name in names if ".venv" in name or "__pycache__" in name]


def test_everything_comes_from_the_fresh_environment(
    fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    modules = sorted({"eventlite", "eventlite_acme", *PLUGINS})
    program = f"import {', '.join(modules)}; print(*({', '.join(f'{name}.__file__' for name in modules)},), sep='\\n')"
    files = run_elsewhere(fresh_python, "-c", program).stdout.splitlines()
    assert len(files) == len(modules)
    assert {Path(file).is_relative_to(fresh_python.parents[1]) for file in files} == {True}


def test_the_command_line_works(
    fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    shown = run_elsewhere(fresh_python.with_name("eventlite"), "--help").stdout
    assert all(verb in shown for verb in ("append", "import", "plugins", "doctor"))
    assert run_elsewhere(fresh_python, "-m", "eventlite", "--version").stdout.startswith("eventlite ")


def test_every_plugin_is_found_and_sound(
    fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    listed = json.loads(run_elsewhere(fresh_python.with_name("eventlite"), "plugins", "--json").stdout)
    assert [each["problem"] for each in listed if each["problem"]] == []
    found = {(each["concern"], each["name"], each["distribution"]) for each in listed}
    assert ("storage", "sqlite", "eventlite-sourcing") in found
    assert ("storage", "acme", "eventlite-acme") in found


@pytest.mark.parametrize("profile", ["high-volume", "balanced", "query-optimized"])
def test_every_profile_opens_a_store(
    profile: str, fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    eventlite = fresh_python.with_name("eventlite")
    run_elsewhere(eventlite, "append", "placed", "order=A1", "--profile", profile, cwd=tmp_path)
    shown = run_elsewhere(eventlite, "get", "1", "--json", "--profile", profile, cwd=tmp_path).stdout
    assert json.loads(shown)["data"] == {"order": "A1"}
