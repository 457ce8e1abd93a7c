"""Plugins of somebody else, installed with pip beside EventLite, are chosen by a profile and keep the contracts."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

pytestmark = [pytest.mark.packaging, pytest.mark.timeout(600)]

ACME = Path(__file__).parent / "eventlite-acme"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The tests and the profile of the distribution, without its code."""
    shutil.copytree(ACME, tmp_path / "acme", ignore=shutil.ignore_patterns("eventlite_acme", "__pycache__", ".*"))
    return tmp_path / "acme"


def test_its_own_tests_pass_in_a_fresh_environment(
    project: Path, fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    run = run_elsewhere(fresh_python, "-m", "pytest", "-q", "--junitxml=result.xml", cwd=project)
    counts = _counts(project / "result.xml")
    assert counts["failures"] == counts["errors"] == 0, run.stdout
    for suite in ("TestAcmeStorage", "TestCountedStorage", "TestAcmeCache", "TestTsv"):
        assert counts[suite] > 5, f"{suite} ran too few tests\n{run.stdout}"


def test_a_profile_chooses_it_on_the_command_line(
    project: Path, fresh_python: Path, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    def eventlite(*arguments: str) -> str:
        return run_elsewhere(fresh_python.with_name("eventlite"), *arguments, "--profile=acme.toml", cwd=project).stdout

    for order in ("A1", "A2", "A3"):
        eventlite("append", "placed", f"order={order}")
    eventlite("export", "events.tsv")
    lines = (project / "events.tsv").read_text().splitlines()
    assert lines[0].startswith("id\tversion\tdatetime\t")
    assert [re.findall(r'"order":"(A\d)"', line) for line in lines[1:]] == [["A1"], ["A2"], ["A3"]]
    eventlite("import", "events.tsv", "--db", "copy.journal")
    eventlite("export", "copy.tsv", "--db", "copy.journal")
    assert (project / "copy.tsv").read_bytes() == (project / "events.tsv").read_bytes()


def _counts(result: Path) -> dict[str, int]:
    """Failures and errors in all, and how many tests of each class passed."""
    counts = {"failures": 0, "errors": 0}
    for suite in ET.parse(result).iter("testsuite"):
        counts["failures"] += int(suite.get("failures", 0))
        counts["errors"] += int(suite.get("errors", 0))
    for case in ET.parse(result).iter("testcase"):
        name = case.get("classname", "").rpartition(".")[2]
        counts[name] = counts.get(name, 0) + (len(case) == 0)
    return counts
