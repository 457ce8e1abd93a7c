"""Pydantic's errors in our words: where, which key, what is wrong, what was probably meant, and never a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

from eventlite.errors import suggestion
from eventlite.profile.problems import Problem
from eventlite.profile.redaction import without
from eventlite.profile.section import Path, Section

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

#: Characters of a refused value that are worth showing.
_SHOWN = 80

#: How pydantic introduces what a validator of the plugin says.
_VALIDATORS = {"value_error": "Value error, ", "assertion_error": "Assertion failed, "}

_NO_SETTINGS = "There is nothing to set."


def explained(error: ErrorDetails, section: Section[Any], values: Any) -> Problem:
    """One pydantic error as a problem; `values` is what was validated."""
    path = _path(error["loc"], values)
    key = section.key(path)
    what, hint = _words(error, path, section)
    return Problem(section.origin(key), key, without(section.secrets, what), hint)


def _words(error: ErrorDetails, path: Path, section: Section[Any]) -> tuple[str, str | None]:
    """What is wrong, and a hint."""
    if error["type"] == "extra_forbidden":
        known = _known(section.model, path[:-1])
        return f"not a setting of {section.owner}", suggestion(str(path[-1]).lower(), known) or _NO_SETTINGS
    if error["type"] == "missing":
        return f"missing, and {section.owner} needs it", None
    if _is_built_in(error["type"]):
        return error["msg"].replace("Input should be", "should be", 1) + _shown(error["input"], path, section), None
    if section.is_hidden(path):
        return f"refused by {section.owner}; what it says may hold the secret and is not shown", None
    return error["msg"].removeprefix(_VALIDATORS.get(error["type"], "")), None


def _shown(value: Any, path: Path, section: Section[Any]) -> str:
    """The refused value, if it is short and no secret."""
    if section.is_hidden(path) or not path or not isinstance(value, str | int | float):
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return f", not {text}" if len(text) <= _SHOWN else ""


def _is_built_in(kind: str) -> bool:
    """Whether the message is pydantic's own, which does not repeat the value."""
    from pydantic_core.core_schema import ErrorType

    return kind not in _VALIDATORS and kind in get_args(ErrorType)


def _path(location: Path, values: Any) -> Path:
    """The part of pydantic's location that leads through the values: behind it come the names of types."""
    path: list[str | int] = []
    for part in location:
        if not isinstance(values, dict | list):
            break
        path.append(part)
        values = _inside(values, part)
    return tuple(path)


def _inside(values: dict[str, Any] | list[Any], part: str | int) -> Any:
    if isinstance(values, list):
        return values[part] if isinstance(part, int) and part < len(values) else None
    return values.get(str(part))


def _known(model: type[BaseModel], path: Path) -> list[str]:
    """The names of a model's fields, or of the model inside of it that the path leads to."""
    from pydantic import BaseModel

    for part in path:
        inner = model.model_fields[str(part)].annotation if str(part) in model.model_fields else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return [field.alias or name for name, field in model.model_fields.items()]
