"""Packages that import a name on first use list it for type checkers, for `import *` and for themselves, alike."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

PACKAGES = ("eventlite", "eventlite.contracts", "eventlite.testing")


@pytest.fixture(params=PACKAGES)
def package(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(request.param)


def lazy(package: ModuleType) -> dict[str, str]:
    """The full name of the module of each name that is imported on first use."""
    modules: dict[str, str] = package._MODULES
    prefix = "" if package.__name__ == "eventlite" else f"{package.__name__}."
    return {name: f"{prefix}{module}" for name, module in modules.items()}


def imported(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for node in body:
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.asname or alias.name, str(node.module)) for alias in node.names)


def shown_to_type_checkers(package: ModuleType) -> dict[str, str]:
    """What stands under `if TYPE_CHECKING:`, by name."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    [block] = [node for node in tree.body if isinstance(node, ast.If)]
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    return dict(imported(block.body))


def test_type_checkers_see_what_is_imported_on_first_use(package: ModuleType) -> None:
    assert shown_to_type_checkers(package) == lazy(package)


def test_each_of_them_is_public(package: ModuleType) -> None:
    assert set(lazy(package)) - set(package.__all__) == set()


def test_each_public_name_is_there(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []


def test_what_the_contract_of_jobs_has_is_in_the_contracts() -> None:
    jobs, contracts = import_module("eventlite.contracts.jobs"), import_module("eventlite.contracts")
    of_plugins = {"meanings", "undeclared"}  # functions with which a dispatcher refuses
    assert set(jobs.__all__) - set(contracts.__all__) == of_plugins
