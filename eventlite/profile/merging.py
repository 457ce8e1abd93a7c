"""Layers of settings, one over the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eventlite.profile.model import DEFAULT, DEFAULT_PLUGINS, Origin, Setting, Tree
from eventlite.profile.references import is_reference


def defaults() -> Tree:
    """The layer below all others: one plugin for each section."""
    return {section: {"plugin": Setting(plugin, DEFAULT)} for section, plugin in DEFAULT_PLUGINS.items()}


def planted(values: Mapping[str, Any], origin: Origin) -> Tree:
    """The tree of values that all come from one place."""
    return {key: _planted(value, origin) for key, value in values.items()}


def merged(below: Tree, above: Tree) -> Tree:
    """Both layers in one. A section that names another plugin than the one below it replaces it whole."""
    sections = dict(below)
    for name, section in above.items():
        lower = below.get(name, {})
        assert isinstance(section, dict)
        assert isinstance(lower, dict)
        sections[name] = section if _changes_plugin(lower, section) else _overlaid(lower, section)
    return sections


def _planted(value: Any, origin: Origin) -> Setting | Tree:
    is_table = isinstance(value, Mapping) and not is_reference(value)
    return planted(value, origin) if is_table else Setting(value, origin)


def _changes_plugin(below: Tree, above: Tree) -> bool:
    return "plugin" in above and _plugin(above) != _plugin(below)


def _plugin(section: Tree) -> Any:
    named = section.get("plugin")
    return named.value if isinstance(named, Setting) else None


def _overlaid(below: Tree, above: Tree) -> Tree:
    settings = dict(below)
    for key, part in above.items():
        lower = below.get(key)
        both_tables = isinstance(part, dict) and isinstance(lower, dict)
        settings[key] = _overlaid(lower, part) if both_tables else part  # type: ignore[arg-type]
    return settings
