"""The reference names everything that is public, and each error with the exit code it has."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

import eventlite
from eventlite import Event, Kernel, NewEvent, Page, Query
from eventlite.cli.commands import builtin_names
from eventlite.cli.errors import exit_code
from eventlite.contracts import ExportOptions, ImportOptions

_PAGE = (Path(__file__).parent.parent / "docs" / "reference.md").read_text(encoding="utf-8")
_NAMED = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", _PAGE))))

#: What the kernel offers to plugins and to its own layers: the contract `Host`.
_FOR_PLUGINS = {"announce", "commit", "events", "hooked", "inside_appends", "prepare", "refusing_appends", "sourcing"}

_ERRORS = [name for name in eventlite.__all__ if name.endswith("Error") and name != "EventLiteError"]


def _public(cls: type) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_it_names_what_the_package_offers() -> None:
    assert set(eventlite.__all__) - _NAMED == set()


def test_it_names_every_method_of_the_kernel() -> None:
    assert _public(Kernel) - _FOR_PLUGINS - _NAMED == set()


@pytest.mark.parametrize("cls", [Event, NewEvent, Page], ids=lambda cls: cls.__name__)
def test_it_names_every_field(cls: type) -> None:
    assert _public(cls) - _NAMED == set()


@pytest.mark.parametrize("cls", [Query, ExportOptions, ImportOptions], ids=lambda cls: cls.__name__)
def test_it_names_every_argument(cls: type) -> None:
    assert {field.name for field in fields(cls) if field.init} - _NAMED == set()


@pytest.mark.parametrize("name", _ERRORS)
def test_it_says_the_exit_code_of_every_error(name: str) -> None:
    assert f"| `{name}` | {exit_code(getattr(eventlite, name)('why'))} |" in _PAGE


def test_it_names_every_command() -> None:
    assert set(builtin_names()) - _NAMED == set()
