"""Secrets by reference: a profile says which environment variable holds the value, never the value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_reference(value: object) -> bool:
    """Whether a value is a table like `{ env = "DATABASE_URL" }`: that key alone, and the name of a variable."""
    if not isinstance(value, Mapping) or list(value) != ["env"]:
        return False
    variable = value["env"]
    return isinstance(variable, str) and _VARIABLE.fullmatch(variable) is not None


def has_reference(value: Any) -> bool:
    """Whether a value is a reference or holds one."""
    if isinstance(value, Mapping):
        return is_reference(value) or any(has_reference(part) for part in value.values())
    return isinstance(value, list | tuple) and any(has_reference(part) for part in value)
