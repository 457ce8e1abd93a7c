from __future__ import annotations

import datetime as dt

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from eventlite import Query
from eventlite.cli.filters import query_options, scalar


@pytest.fixture
def parsed() -> object:
    """The query that options make; None when they are refused."""
    found: list[Query] = []

    @click.command()
    @query_options
    def command(query: Query) -> None:
        found.append(query)

    def parse(*arguments: str) -> Query | None:
        result = CliRunner().invoke(command, arguments)
        assert result.exit_code in {0, 2}
        return found.pop() if result.exit_code == 0 else None

    return parse


UTC = dt.UTC


@pytest.mark.parametrize(
    ("arguments", "query"),
    [
        ([], Query()),
        (["--cmd", "b", "--cmd", "a"], Query(cmd=["a", "b"])),
        (["--user", "alice", "--correlation", "c1"], Query(user="alice", correlation_id="c1")),
        (["--causation", "7", "--tag", "a:1", "--tag", "b:2"], Query(causation_id=7, tags=["a:1", "b:2"])),
        (["--since", "2026-01-31"], Query(since=dt.datetime(2026, 1, 31, tzinfo=UTC))),
        (["--until", "2026-01-31T12:00:00+02:00"], Query(until=dt.datetime(2026, 1, 31, 10, tzinfo=UTC))),
        (["--until", "2026-01-31 12:00:00.5Z"], Query(until=dt.datetime(2026, 1, 31, 12, 0, 0, 500_000, UTC))),
        (["--where", "a.b=1", "--where", "c=x=y"], Query(data={"a.b": 1, "c": "x=y"})),
    ],
)
def test_options_make_a_query(arguments: list[str], query: Query, parsed: object) -> None:
    assert parsed(*arguments) == query  # type: ignore[operator]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "tomorrow"], ["--causation", "x"], ["--where", "a"], ["--where", "=1"],
        ["--where", "a=1", "--where", "a=2"],
    ],
)  # fmt: skip
def test_what_makes_no_query_is_a_usage_error(arguments: list[str], parsed: object) -> None:
    assert parsed(*arguments) is None  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1), ("1.0", 1.0), ("-2e3", -2000.0), ("true", True), ("null", None), ('"1"', "1"), ("A1", "A1"), ("", ""),
        ("True", "True"), ("NaN", "NaN"), ("{}", "{}"), ("[1]", "[1]"), ("[" * 100_000, "[" * 100_000),
        ("9" * 5000, "9" * 5000),
    ],
)  # fmt: skip
def test_a_value_is_a_json_scalar_or_else_text(text: str, value: object) -> None:
    assert (scalar(text), type(scalar(text))) == (value, type(value))


@given(st.text())
def test_any_text_is_some_value(text: str) -> None:
    assert scalar(text) is None or isinstance(scalar(text), str | int | float)
