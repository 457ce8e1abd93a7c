"""Every plugin that comes with EventLite runs its contract suite, in a test class with `covers = "storage:sqlite"`."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUP = "eventlite."

#: The suite of each concern; `extensions` has none, since an extension is held to the suite of what it wraps.
SUITES = {
    "storage": "StorageContract",
    "indexing": "IndexingContract",
    "caching": "CacheContract",
    "bulk": "BulkContract",
    "jobs": "JobDispatcherContract",
    "format": "FormatContract",
}


def declared() -> set[tuple[str, str, str]]:
    """Group, name and value of the entry points in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = project["entry-points"].items()
    return {(group, name, value) for group, offers in groups for name, value in offers.items()}


def covered(source: str) -> Iterator[str]:
    """What the test classes of a file say they cover, as far as they subclass the suite of that concern."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            for plugin in _covers(node):
                if SUITES.get(plugin.partition(":")[0]) in bases:
                    yield plugin


def _covers(node: ast.ClassDef) -> Iterator[str]:
    for line in node.body:
        names = (
            line.targets if isinstance(line, ast.Assign) else [line.target] if isinstance(line, ast.AnnAssign) else []
        )
        if [ast.unparse(name) for name in names] == ["covers"] and isinstance(line.value, ast.Constant):
            yield str(line.value.value)


COVERED = {
    plugin for path in (ROOT / "tests" / "plugins").rglob("test_*.py") for plugin in covered(path.read_text("utf-8"))
}


@pytest.mark.parametrize("plugin", sorted(f"{group.removeprefix(GROUP)}:{name}" for group, name, _ in declared()))
def test_every_plugin_runs_its_contract_suite(plugin: str) -> None:
    suite = SUITES[plugin.partition(":")[0]]
    assert plugin in COVERED, f'tests/plugins/ has no class Test...({suite}) with covers = "{plugin}"'


def test_every_format_runs_its_contract_suite() -> None:
    from eventlite_files import eventlite_formats

    assert {f"format:{form.name}" for form in eventlite_formats()} <= COVERED


def test_no_suite_covers_a_plugin_that_is_gone() -> None:
    known = {f"{group.removeprefix(GROUP)}:{name}" for group, name, _ in declared()}
    assert {plugin for plugin in COVERED if not plugin.startswith("format:")} <= known


def test_what_is_installed_is_what_is_declared() -> None:
    installed = distribution("eventlite-sourcing").entry_points
    found = {(entry.group, entry.name, entry.value) for entry in installed if entry.group.startswith(GROUP)}
    assert found == declared(), "install the checkout again"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("class TestX(CacheContract):\n    covers = 'caching:x'", ["caching:x"]),
        ("class TestX(CacheContract):\n    covers: ClassVar[str] = 'caching:x'", ["caching:x"]),
        ("class TestX(CacheContract):\n    other = 'caching:x'", []),
        ("class TestX:\n    covers = 'caching:x'", []),
        ("class X(CacheContract):\n    covers = 'caching:x'", []),
        ("class TestX(CacheContract):\n    covers = 'storage:x'", []),
    ],
)
def test_only_a_test_class_of_the_right_suite_counts(line: str, expected: list[str]) -> None:
    assert list(covered(line)) == expected
