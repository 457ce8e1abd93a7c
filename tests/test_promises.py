"""The tests that the documentation names are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_PAGE = (_ROOT / "docs" / "coming-from-javascript.md").read_text(encoding="utf-8")

#: A file, or a test in one; and a test alone, in a table whose introduction names the file.
_NAMED = re.compile(r"`((?:tests|eventlite/testing)/[\w/]+\.py)(?:::(test_\w+))?`")
_ALONE = re.compile(r"`(test_\w+)`")

#: A promise is a row with a file in its last cell.
_ROW = re.compile(r"^\| .+ \| .+ \| `(?:tests|eventlite)/.+` \|$", re.MULTILINE)


@pytest.mark.parametrize(("file", "test"), _NAMED.findall(_PAGE))
def test_a_test_that_is_named_is_there(file: str, test: str) -> None:
    source = (_ROOT / file).read_text(encoding="utf-8")
    assert f"def {test or 'test_'}" in source


def test_tests_of_waits_are_there() -> None:
    source = (_ROOT / "tests/sourcing/waits/test_waits.py").read_text(encoding="utf-8")
    named = _ALONE.findall(_PAGE)
    assert named
    assert [name for name in named if f"def {name}(" not in source] == []


def test_every_promise_has_its_test() -> None:
    table = _PAGE[_PAGE.index("| promise |") : _PAGE.index("## What is better now")]
    lines = [line for line in table.splitlines() if line.startswith("| ")]
    rows = [line for line in lines if not line.startswith(("| promise", "| fault |"))]
    assert len(rows) >= 44
    assert [row for row in rows if not _ROW.match(row)] == []
