"""The shipped suites: what they offer, and that they say what they leave out."""

from __future__ import annotations

import subprocess
import sys

import pytest

import eventlite.testing

_SUITE = """
import pytest
from eventlite.testing import left_out

class TestMine:
    def test_with_sql(self):
        left_out("sql")

    @pytest.mark.parametrize("n", [1, 2])
    def test_with_indexes(self, n):
        left_out("indexes")

    def test_something_else(self):
        pytest.skip("for another reason")
"""


@pytest.mark.parametrize("name", eventlite.testing.__all__)
def test_every_name_is_there(name):
    assert getattr(eventlite.testing, name).__name__ == name


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="NoSuchContract"):
        _ = eventlite.testing.NoSuchContract


def test_a_suite_is_imported_when_it_is_asked_for():
    code = (
        "import sys, eventlite.testing; print([name for name in sys.modules if name.startswith('eventlite.testing.')])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_is_left_out_is_said(pytester):
    pytester.makepyfile(test_mine=_SUITE)
    result = pytester.runpytest_inprocess("-p", "eventlite.testing.capabilities")
    result.assert_outcomes(skipped=4)
    result.stdout.fnmatch_lines(
        [
            "*capabilities not declared*",
            "test_mine.py::TestMine: indexes (tests left out: 2)",
            "test_mine.py::TestMine: sql (tests left out: 1)",
        ]
    )


def test_nothing_is_said_when_nothing_is_left_out(pytester):
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_inprocess("-p", "eventlite.testing.capabilities")
    result.stdout.no_fnmatch_line("*capabilities not declared*")
