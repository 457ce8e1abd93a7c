"""Settings from environment variables: `EVENTLITE_STORAGE__PATH` is `storage.path`.

Which variable means which setting is found here, by their names; pydantic-settings, which passes over what it does not
know, reads their values as soon as the plugin's model is known (`decoding`).
"""

from __future__ import annotations

from collections.abc import Mapping

from eventlite.profile.model import Origin, Setting, Tree
from eventlite.profile.problems import Problem, refusal
from eventlite.profile.shapes import MAX_DEPTH, outside_problem, section_problem, setting_problem

_PREFIX = "EVENTLITE_"
_TESTS = "EVENTLITE_TEST_"
_BETWEEN = "__"


def environment_tree(environ: Mapping[str, str]) -> Tree:
    """The layer of all variables named `EVENTLITE_SECTION__KEY`, in upper or lower case.

    Names without a double underscore and `EVENTLITE_TEST_...` are left alone. Raises `ProfileError` for a section that
    does not exist and for two variables that say the same.
    """
    tree: Tree = {}
    problems = [
        problem
        for variable, text in environ.items()
        if _is_setting(variable.upper())
        for problem in _plant(tree, variable, text)
    ]
    if problems:
        raise refusal(problems)
    return tree


def _is_setting(name: str) -> bool:
    return name.startswith(_PREFIX) and not name.startswith(_TESTS) and _BETWEEN in name[len(_PREFIX) :]


def _plant(tree: Tree, variable: str, text: str) -> list[Problem]:
    """Put one variable in its place, or say what is wrong with it."""
    path = variable[len(_PREFIX) :].lower().split(_BETWEEN)
    setting = Setting(text, Origin("environment", variable))
    problem = _misnamed(path, setting) or _clash(tree, path, setting.origin)
    if problem:
        return [problem]
    for key in path[:-1]:
        tree = tree.setdefault(key, {})  # type: ignore[assignment]  # `_clash` has seen to it
    tree[path[-1]] = setting
    return []


def _misnamed(path: list[str], setting: Setting) -> Problem | None:
    section, *keys = path
    misnamed = section_problem(section, setting.origin)
    if misnamed:
        return misnamed
    if "" in keys or len(keys) > MAX_DEPTH:
        return Problem(setting.origin, ".".join(path), "names no setting", f"Such a name is {_PREFIX}SECTION__KEY.")
    key = ".".join(keys)
    return outside_problem(section, key, setting.origin) or setting_problem(section, key, *setting)


def _clash(tree: Tree, path: list[str], origin: Origin) -> Problem | None:
    place: Setting | Tree | None = tree
    for key in path:
        if isinstance(place, dict):
            place = place.get(key)
    if place is None:
        return None
    other = place
    while isinstance(other, dict):
        other = next(iter(other.values()))
    return Problem(origin, ".".join(path), f"clashes with {other.origin}", "Keep one of them.")
