"""`--app module:function`: whose code it is, and what is said when it cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from eventlite.cli.app import app_option, open_app
from eventlite.cli.context import Options, with_shared_options
from eventlite.cli.errors import run as run_to_code

CODE = """
def set_up(kernel):
    kernel.seen = kernel.head()

def fail(kernel):
    raise ValueError("no such luck")

number = 5
"""


@click.command()
@app_option
@click.pass_context
def show(ctx: click.Context, app: str | None) -> None:
    with open_app(ctx, app) as kernel:
        click.echo(getattr(kernel, "seen", "untouched"))


@pytest.fixture
def ask(store: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Run the command over the store; its exit code, and what it said on stdout and stderr."""
    Path("shop.py").write_text(CODE, encoding="utf-8")
    Path("broken.py").write_text("1 / 0", encoding="utf-8")
    Path("needy.py").write_text("import not_there_at_all", encoding="utf-8")

    def ask(*arguments: str) -> tuple[int, str]:
        options, command = Options(), with_shared_options(show)
        code = run_to_code(lambda: command.main(list(arguments), obj=options, standalone_mode=False), options)
        said = capsys.readouterr()
        return code, said.out + said.err

    return ask


def test_the_function_is_called_with_the_kernel_and_found_in_the_working_directory(ask: Any) -> None:
    assert ask("--app", "shop:set_up") == (0, "6\n")
    assert ask() == (0, "untouched\n")


@pytest.mark.parametrize(
    ("app", "code", "words"),
    [
        ("shop", 2, "module:function"),
        ("shop:", 2, "module:function"),
        ("../shop:set_up", 2, "module:function"),
        ("nowhere:set_up", 8, "there is no module 'nowhere'"),
        ("shop.inner:set_up", 8, "there is no module 'shop.inner'"),
        ("shop:setup", 8, "Did you mean 'set_up'?"),
        ("shop:number", 8, "is no function"),
        ("shop:fail", 8, "ValueError: no such luck"),
        ("broken:set_up", 8, "ZeroDivisionError"),
        ("needy:set_up", 8, "needs not_there_at_all"),
    ],
)
def test_what_cannot_be_used_is_said(ask: Any, app: str, code: int, words: str) -> None:
    found, said = ask("--app", app)
    assert found == code
    assert words in said
