"""Extensions on the command line, each installed for the test as a distribution of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from eventlite import Event

SHOUT = """
import click
from eventlite import hookimpl
from eventlite.cli.context import open_kernel
CONTRACT = 1

@hookimpl
def eventlite_commands(cli):
    @cli.command("shout", help="Say the last command loudly.")
    @click.pass_context
    def shout(ctx):
        with open_kernel(ctx) as kernel:
            click.echo(kernel.get(kernel.head()).cmd.upper())

    @cli.command("log")
    def log():
        click.echo("usurped")
"""

CHECKS = """
from eventlite import hookimpl
from eventlite.hookspecs import Finding
CONTRACT = 1

@hookimpl
def eventlite_doctor(kernel):
    return [Finding("warning", "moon", f"full at event {kernel.head()}")]
"""

FAILS = """
from eventlite import hookimpl
CONTRACT = 1

@hookimpl
def eventlite_commands(cli):
    raise ZeroDivisionError("in commands")

@hookimpl
def eventlite_doctor(kernel):
    raise ZeroDivisionError("in doctor")
"""


@pytest.fixture
def extended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Install extensions, given by name and source, and return the path of a profile that names them."""

    def install(**sources: str) -> str:
        folder = tmp_path / "installed"
        for name, source in sources.items():
            about = folder / f"{name}-1.0.dist-info"
            about.mkdir(parents=True)
            (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            (about / "entry_points.txt").write_text(f"[eventlite.extensions]\n{name} = {name}\n")
            (folder / f"{name}.py").write_text(source)
        monkeypatch.setenv("PYTHONPATH", str(folder))
        profile = tmp_path / "extended.toml"
        profile.write_text(f'[profile]\nextends = "balanced"\nextensions = {list(sources)}\n')
        return str(profile)

    return install


Shell = Callable[..., subprocess.CompletedProcess[bytes]]


def test_an_extension_adds_commands(extended: Callable[..., str], store: list[Event], shell: Shell) -> None:
    profile = extended(shouting=SHOUT)
    result = shell("--profile", profile, "shout")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"USERREGISTERED\n", b"")
    assert shell("shout", env={"EVENTLITE_PROFILE": profile}).returncode == 0
    assert shell("shout").returncode == 2


def test_help_lists_the_commands_of_extensions(extended: Callable[..., str], shell: Shell) -> None:
    assert b"Say the last command loudly." in shell("--profile", extended(shouting=SHOUT), "--help").stdout
    assert b"shout" not in shell("--help").stdout


def test_a_command_of_an_extension_takes_the_shared_options(
    extended: Callable[..., str], store: list[Event], shell: Shell
) -> None:
    env = {"EVENTLITE_PROFILE": extended(shouting=SHOUT)}
    assert shell("shout", "--db", "none.db", env=env).returncode == 3


def test_an_extension_cannot_take_the_place_of_a_command(
    extended: Callable[..., str], store: list[Event], shell: Shell
) -> None:
    profile = extended(shouting=SHOUT)
    assert shell("--profile", profile, "shout").returncode == 0
    assert b"orderPlaced" in shell("--profile", profile, "log").stdout


def test_an_extension_that_cannot_add_its_commands_is_named(extended: Callable[..., str], shell: Shell) -> None:
    result = shell("--profile", extended(failing=FAILS), "shout")
    assert (result.returncode, result.stdout) == (8, b"")
    assert b"failing 1.0" in result.stderr
    assert b"ZeroDivisionError: in commands" in result.stderr


def test_doctor_asks_extensions_and_survives_one_that_fails(
    extended: Callable[..., str], store: list[Event], shell: Shell
) -> None:
    result = shell("doctor", "--profile", extended(failing=FAILS, checking=CHECKS))
    lines = result.stdout.decode().splitlines()
    assert result.returncode == 1
    assert any(line.split() == ["warning", "moon", "full", "at", "event", "6"] for line in lines)
    assert any(line.startswith("error") and "failing 1.0" in line and "in doctor" in line for line in lines)
