"""Settings from keyword arguments: `storage={"path": "app.db"}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eventlite.profile.merging import planted
from eventlite.profile.model import Origin, Tree
from eventlite.profile.problems import Problem, refusal
from eventlite.profile.shapes import outside_problem, section_problem, setting_problem


def argument_tree(overrides: Mapping[str, Mapping[str, Any]]) -> Tree:
    """The layer of keyword arguments. Raises `ProfileError` for what is not a section, or not a mapping."""
    problems = [problem for name, section in overrides.items() for problem in _wrong_with(str(name), section)]
    if problems:
        raise refusal(problems)
    return {name: planted(section, Origin("argument", name)) for name, section in overrides.items()}


def _wrong_with(name: str, section: object) -> list[Problem]:
    origin = Origin("argument", name)
    misnamed = section_problem(name, origin)
    if misnamed:
        return [misnamed]
    if not isinstance(section, Mapping):
        what = f"should be a mapping, not {type(section).__name__}"
        return [Problem(origin, name, what, f'For example {name}={{"plugin": "..."}}.')]
    found = (_wrong_key(name, key, value, origin) for key, value in section.items())
    return [problem for problem in found if problem]


def _wrong_key(section: str, key: object, value: object, origin: Origin) -> Problem | None:
    if not isinstance(key, str):
        return Problem(origin, f"{section}.{key}", f"the name of a setting is text, not {type(key).__name__}")
    return outside_problem(section, key, origin) or setting_problem(section, key, value, origin)
