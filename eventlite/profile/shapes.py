"""What can be seen to be wrong with a layer of settings before any model is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from eventlite.errors import suggestion
from eventlite.profile.model import INHERITED, SECTIONS, Origin
from eventlite.profile.problems import Problem

#: Levels of tables and lists that a setting may have.
MAX_DEPTH = 20

_ALL = ("profile", *SECTIONS)


def section_problem(name: str, origin: Origin) -> Problem | None:
    """The problem of a section that does not exist."""
    if name in _ALL:
        return None
    return Problem(origin, name, "there is no such section", suggestion(name.lower(), _ALL))


def setting_problem(section: str, key: str, value: object, origin: Origin) -> Problem | None:
    """The problem of a `plugin` that cannot be a name, or of a value that is too deep to work with."""
    is_plugin = section != "profile" and key.partition(".")[0] == "plugin"
    if is_plugin and not (key == "plugin" and isinstance(value, str) and value):
        return Problem(origin, f"{section}.plugin", "should be the name of a plugin, as text")
    if _is_deep(value):
        return Problem(origin, f"{section}.{key}", f"has more than {MAX_DEPTH} levels of tables and lists")
    return None


def outside_problem(section: str, key: str, origin: Origin) -> Problem | None:
    """The problem of a part of `[profile]` that only a profile can say, said by the environment or an argument."""
    if section != "profile" or key in INHERITED:
        return None
    return Problem(
        origin, f"{section}.{key}", "cannot be set from outside of a profile", suggestion(key.lower(), INHERITED)
    )


def _is_deep(value: object) -> bool:
    """Whether there are more levels than allowed; asks level by level, since recursion is what this is to prevent."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for part in level for inner in _inside(part)]
    return bool(level)


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple) else ()
