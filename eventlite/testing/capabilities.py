"""What a contract suite left out, said aloud.

A suite skips nothing silently: pytest's summary lists each capability that a plugin does not declare, and how many
tests that left out. Load this module in the top `conftest.py`: `pytest_plugins = ["eventlite.testing.capabilities"]`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest

_REASON = "capability not declared: "


def left_out(name: str) -> NoReturn:
    """Leave out the running test, because its plugin does not declare the capability."""
    pytest.skip(f"{_REASON}{name}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was left out, by test class."""
    counts = Counter(_left_out(terminalreporter.getreports("skipped")))
    if counts:
        terminalreporter.section("capabilities not declared")
        for (suite, name), count in sorted(counts.items()):
            terminalreporter.line(f"{suite}: {name} (tests left out: {count})")


def _left_out(reports: Iterable[pytest.TestReport]) -> Iterable[tuple[str, str]]:
    for report in reports:
        _, _, reason = report.longrepr if isinstance(report.longrepr, tuple) else ("", 0, "")
        if _REASON in reason:
            yield report.nodeid.rpartition("::")[0], reason.partition(_REASON)[2]
