"""What each dispatcher can do, as it declares it: the table in the documentation, and the refusal of what it cannot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from eventlite import Kernel
from eventlite.contracts import JobCapabilities
from eventlite.contracts.jobs import meanings

PAGE = Path(__file__).parents[2] / "docs" / "jobs.md"
DISPATCHERS = ("durable", "procrastinate", "threads")


@pytest.fixture
def declared(postgres: dict[str, str]) -> Iterator[dict[str, JobCapabilities]]:
    """What each declares over the same store, on a server."""
    with ExitStack() as stack:
        made = {
            name: stack.enter_context(Kernel.from_profile("postgres", storage=postgres, jobs={"plugin": name}))
            for name in DISPATCHERS
        }
        yield {name: kernel.jobs.capabilities for name, kernel in made.items()}


def rows(declared: dict[str, JobCapabilities]) -> Iterator[str]:
    """The table, a line each."""
    for capability, meaning in meanings().items():
        marks = ("yes" if getattr(declared[name], capability) else "-" for name in DISPATCHERS)
        yield f"| `{capability}` | {' | '.join(marks)} | {meaning} |"
    yield f"| `max_name` | {' | '.join(str(declared[name].max_name) for name in DISPATCHERS)} | {LONGEST} |"


LONGEST = "the longest name, in characters"


def test_the_documentation_shows_what_is_declared(declared: dict[str, JobCapabilities]) -> None:
    shown = re.findall(r"^\| `\w+` \| .* \| .* \| .* \| .* \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert shown == list(rows(declared))


def test_without_sql_jobs_end_with_the_process() -> None:
    with closing(Kernel.from_profile(storage={"plugin": "memory"})) as kernel:
        can = kernel.jobs.capabilities
    assert (can.durable, can.transactional, can.recurring) == (False, False, True)
