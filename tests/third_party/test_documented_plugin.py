"""The plugin that the documentation goes through is whole: its four files, as they stand there, install and pass."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-plugin.md"

#: A paragraph that starts with a file's name, and the block below it.
FILE = re.compile(r"^`(\w+\.\w+)` [^\n]*(?:\n[^\n]+)*\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A directory with the files of the page."""
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_the_page_has_four_files(project: Path) -> None:
    names = {path.name for path in project.iterdir()}
    assert names == {"pyproject.toml", "eventlite_shelf.py", "test_shelf.py", "shelf.toml"}


def test_they_install_pass_and_are_chosen(
    project: Path, fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    pip = (sys.executable, "-m", "pip", "--python", fresh_python)
    run_elsewhere(*pip, "install", "--quiet", "--no-deps", project)
    try:
        (project / "eventlite_shelf.py").unlink()  # what is tested is what was installed
        result = run_elsewhere(fresh_python, "-m", "pytest", cwd=project).stdout
        assert int(re.findall(r"(\d+) passed", result)[-1]) > 10
        eventlite = fresh_python.with_name("eventlite")
        listed = json.loads(run_elsewhere(eventlite, "plugins", "--json").stdout)
        assert [each["problem"] for each in listed if each["name"] == "shelf"] == [None]
        run_elsewhere(eventlite, "append", "placed", "--profile", "shelf.toml", cwd=project)
    finally:
        run_elsewhere(*pip, "uninstall", "--quiet", "--yes", "eventlite-shelf")
