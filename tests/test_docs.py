"""Every example of the documentation runs: Python blocks of a page in order, and commands after a `$` as typed.

A block that is not meant to run says so by its language: `sh` for set-up, `text` for output, `toml` for profiles.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

_ROOT = Path(__file__).parent.parent
_PAGES = [_ROOT / "README.md", *sorted((_ROOT / "docs").glob("*.md"))]
_TEXT = "".join(page.read_text(encoding="utf-8") for page in _PAGES)
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def _blocks(page: Path) -> list[tuple[int, str, str]]:
    text = page.read_text(encoding="utf-8")
    return [(text[: match.start()].count("\n") + 2, match[1], match[2]) for match in _BLOCK.finditer(text)]


def _run_python(page: Path, line: int, source: str, names: dict[str, object]) -> None:
    exec(compile("\n" * (line - 1) + source, str(page), "exec", dont_inherit=True), names)


def _run_commands(source: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in re.findall(r"^\$ (.*(?:\\\n.*)*)", source, re.MULTILINE):
        ran = subprocess.run(
            ["bash", "-c", command], env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"


@pytest.fixture
def database_url(postgres_server: str) -> Iterator[str]:
    """A new database on a real server, for pages that work on one."""
    name = f"docs_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield make_conninfo(postgres_server, dbname=name)
        connection.execute(f"DROP DATABASE {name}".encode())


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, mail_sink: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    if "DATABASE_URL" in page.read_text(encoding="utf-8"):
        monkeypatch.setenv("DATABASE_URL", request.getfixturevalue("database_url"))
    monkeypatch.setenv("SMTP_PORT", str(mail_sink.port))
    names: dict[str, object] = {"__name__": "example"}
    for line, language, source in _blocks(page):
        if language == "python":
            _run_python(page, line, source, names)
        elif language == "console":
            _run_commands(source)
        elif language == "toml":
            (tmp_path / "example.toml").write_text(source, encoding="utf-8")
    sent = ["dora@example.com"] if page.name == "tutorial.md" else []
    assert [letter["To"] for letter in mail_sink.letters] == sent


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    prose = _CODE.sub("", page.read_text(encoding="utf-8"))
    assert not [link for link in _LINK.findall(prose) if not (page.parent / link).exists()]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:tests/|eventlite/|jobs_)[\w/]+\.py)`", _TEXT))))
def test_files_that_pages_name_are_there(name: str) -> None:
    assert (_ROOT / name).exists() or (_ROOT / "eventlite" / "testing" / name).exists()


def test_decisions_are_numbered_without_a_gap_and_say_their_number() -> None:
    decisions = sorted((_ROOT / "docs" / "decisions").glob("*.md"))
    titles = [decision.read_text(encoding="utf-8").split(".", 1)[0] for decision in decisions]
    numbers = range(1, len(decisions) + 1)
    assert [decision.name[:5] for decision in decisions] == [f"{number:04}-" for number in numbers]
    assert titles == [f"# {number}" for number in numbers]
