"""Imports run one way, plugins see only what is public, and a program that only imports EventLite starts quickly."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: What may be imported from where: a module imports from its own layer and those above it in this list.
LAYERS = (
    ("errors",),
    ("jsontext",),
    ("event", "query"),
    ("contracts",),
    ("admission", "digest", "drafting", "earlier", "hookspecs", "matching", "scanning", "statistics"),
    ("answers", "append_hooks", "inline", "page", "processing", "refusing", "verification", "write_queue"),
    ("offers", "plugins", "profile"),
    ("sourcing",),
    ("kernel", "opening", "readable", "sourced", "writable"),
    ("aio", "async_pulling", "async_queue", "async_subscription"),
    ("eventlite",),
    ("testing",),
    ("bench",),
    ("cli", "__main__"),
)

#: The layers whose modules a plugin may import; and `eventlite` itself, for the names in it that are not the kernel's.
PUBLIC = {name for layer in LAYERS[:5] for name in layer}
OF_THE_KERNEL = {"Kernel", "AsyncKernel", "Page", "__version__"}

#: Packages of so many modules that a newcomer needs to be told which of them does what.
MAPPED = (
    "eventlite/sourcing",
    "eventlite/sourcing/projections",
    "eventlite/sourcing/subscriptions",
    "eventlite/sourcing/waits",
    "plugins/eventlite_files",
    "plugins/eventlite_jobs/durable",
    "plugins/eventlite_postgres",
    "plugins/eventlite_sqlite",
)

PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py"))


def modules(package: Path) -> Iterator[tuple[str, Path]]:
    """The dotted name and the file of each module of a package."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


CORE = dict(modules(ROOT / "eventlite"))


@cache
def imports(path: Path) -> tuple[tuple[str, str], ...]:
    """What a file imports when it runs, at its top or inside a function: (module, name), the name "" for the module."""
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8"))))


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            continue
        if isinstance(child, ast.Import):
            yield from ((alias.name, "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            yield from (("." * child.level + (child.module or ""), alias.name) for alias in child.names)
        else:
            yield from _imports(child)


def core_imports(path: Path) -> set[str]:
    """The modules of `eventlite/` that a file imports, by dotted name."""
    pairs = [pair for pair in imports(path) if pair[0].partition(".")[0] == "eventlite"]
    return {f"{module}.{name}" if f"{module}.{name}" in CORE else module for module, name in pairs}


def room(module: str) -> str:
    """`profile` for `eventlite.profile.loading`; `eventlite` for the package itself."""
    return "eventlite" if module == "eventlite" else module.split(".")[1]


def layer(module: str) -> int:
    return next(index for index, names in enumerate(LAYERS) if room(module) in names)


def test_the_checks_below_see_imports() -> None:
    source = "if TYPE_CHECKING:\n    import a\nimport b.c\ndef f():\n    from d import e\n    from . import g"
    assert set(_imports(ast.parse(source))) == {("b.c", ""), ("d", "e"), (".", "g")}
    assert "eventlite.errors" in core_imports(CORE["eventlite.kernel"])
    assert "eventlite.hookspecs" in core_imports(CORE["eventlite.plugins"])


@pytest.mark.parametrize("module", CORE)
def test_every_module_has_a_layer(module: str) -> None:
    assert any(room(module) in names for names in LAYERS), f"put {room(module)!r} into LAYERS, where it belongs"


@pytest.mark.parametrize("module", CORE)
def test_imports_run_one_way(module: str) -> None:
    wrong = [other for other in sorted(core_imports(CORE[module])) if layer(other) > layer(module)]
    assert wrong == [], f"{module} imports from a layer further down"


def test_no_two_modules_import_each_other() -> None:
    # A package's own __init__ gathers what its modules define; they import each other directly.
    graph = {
        module: {other for other in core_imports(path) if not module.startswith(f"{other}.")} - {module}
        for module, path in CORE.items()
    }
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


@pytest.mark.parametrize("module", CORE)
def test_the_core_imports_no_plugin_package(module: str) -> None:
    assert [other for other, _ in imports(CORE[module]) if other.startswith("eventlite_")] == []


@pytest.mark.parametrize("package", ["eventlite", *(f"plugins/{name}" for name in PLUGINS)])
def test_imports_are_absolute(package: str) -> None:
    for module, path in modules(ROOT / package):
        assert [other for other, _ in imports(path) if other.startswith(".")] == [], module


def test_every_plugin_package_is_looked_at() -> None:
    assert {"eventlite_cache", "eventlite_files", "eventlite_indexing", "eventlite_jobs"} < set(PLUGINS)
    assert {"eventlite_memory", "eventlite_sqlite"} < set(PLUGINS)


@pytest.mark.parametrize("package", MAPPED)
def test_the_docstring_of_a_large_package_says_where_everything_is(package: str) -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))) or ""
    parts = {path.stem if path.suffix else path.name for path in (ROOT / package).iterdir()}
    parts = {part for part in parts if not part.startswith("__")} - {"py", "settings"}
    assert [part for part in sorted(parts) if f"`{part}`" not in docstring] == [], f"name it in {package}/__init__.py"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugins_import_only_public_modules(plugin: str) -> None:
    for module, path in modules(ROOT / "plugins" / plugin):
        rooms = {room(other) for other in core_imports(path)}
        assert rooms <= PUBLIC | {"eventlite"}, f"{module} looks behind the contracts"
        names = {name for other, name in imports(path) if other == "eventlite"}
        assert not names & OF_THE_KERNEL, f"{module} needs the kernel"
        private = {name for other, name in imports(path) if other.startswith("eventlite.") and name.startswith("_")}
        assert private == set(), f"{module} uses what is private"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugins_never_import_each_other(plugin: str) -> None:
    for module, path in modules(ROOT / "plugins" / plugin):
        packages = {other.partition(".")[0] for other, _ in imports(path)}
        assert {name for name in packages if name.startswith("eventlite_")} <= {plugin}, module


@pytest.mark.parametrize("line", ["from eventlite import Kernel, Event, Query", "import eventlite.plugins"])
def test_importing_the_library_imports_nothing_heavy(line: str) -> None:
    heavy = {"pydantic", "pydantic_settings", "click", "rich", "dogpile", "sqlite_utils", "asyncio", *PLUGINS}
    program = f"import sys; {line}; print(*(name for name in {sorted(heavy)} if name in sys.modules))"
    run = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
