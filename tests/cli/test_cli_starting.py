from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result

from eventlite import Event, __version__
from eventlite.cli import cli

VERBS = [
    *("demo", "append", "get", "log", "tail", "trace", "stats", "import", "export", "backup", "restore"),
    *("waits", "projections", "subscriptions", "jobs"),
    *("profiles", "plugins", "indexes", "upcasters", "verify", "doctor", "bench"),
]

# What starting must not wait for.
HEAVY = ("rich", "pydantic", "pydantic_settings", "dogpile", "sqlite_utils", "sqlite3", "asyncio", "eventlite_sqlite")


def test_help_lists_every_command(done: Callable[..., str]) -> None:
    listed = re.findall(r"^  ([a-z]+) +[A-Z]", done("--help"), re.MULTILINE)
    assert listed == VERBS


def test_without_arguments_it_helps(done: Callable[..., str]) -> None:
    assert done() == done("--help") == done("-h")


@pytest.mark.parametrize("verb", ["demo", "append", "get", "log", "tail", "trace", "stats", "backup", "verify"])
def test_help_has_an_example(verb: str, done: Callable[..., str]) -> None:
    assert f"Example: eventlite {verb}" in done(verb, "--help")


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_takes_the_shared_options(verb: str, done: Callable[..., str]) -> None:
    text = done(verb, "--help")
    assert all(option in text for option in ("--profile", "--db", "--json"))


def test_version(done: Callable[..., str]) -> None:
    assert done("--version") == f"eventlite {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_starting_imports_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from eventlite.cli import main
try:
    main({arguments!r})
except SystemExit:
    print(*sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["--db", "eventlite.db", "--json", "--profile", "balanced", "get", "1"],
        ["get", "1", "--db", "eventlite.db", "--json", "--profile", "balanced"],
        ["--json", "get", "--profile=balanced", "1", "--db=eventlite.db"],
        ["--db", "elsewhere.db", "get", "1", "--db", "eventlite.db", "--json"],
    ],
)
def test_shared_options_come_before_or_after_the_verb(
    arguments: list[str], store: list[Event], done: Callable[..., str]
) -> None:
    assert done(*arguments) == done("get", "1", "--json") != done("get", "1")


def test_shared_options_reach_the_commands_of_a_group(store: list[Event], done: Callable[..., str]) -> None:
    assert done("indexes", "list", "--json") == done("--json", "indexes", "list") == done("indexes", "--json", "list")


def test_an_unknown_command_is_a_usage_error_with_a_suggestion(run: Callable[..., Result]) -> None:
    result = run("lgo")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("eventlite: there is no command 'lgo'. Did you mean 'log'?\n")


def test_a_group_without_a_command_says_which_there_are(run: Callable[..., Result]) -> None:
    result = run("indexes")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("eventlite: `eventlite indexes` needs a command: apply, list\n")


def test_a_misspelt_option_is_a_usage_error_with_a_suggestion(run: Callable[..., Result]) -> None:
    result = run("log", "--limt", "3")
    assert result.exit_code == 2
    assert "--limit" in result.stderr
    assert "`eventlite log --help`" in result.stderr


def test_python_dash_m_is_the_same_command(shell: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    result = shell("--version")
    assert result.stdout.split() == [b"eventlite", __version__.encode()]


def test_the_table_of_commands_names_commands_that_are_there() -> None:
    ctx = cli.make_context("eventlite", ["--json"])
    assert [cli.get_command(ctx, verb).name for verb in VERBS] == VERBS  # type: ignore[union-attr]
