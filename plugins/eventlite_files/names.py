"""Naming what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def suggestion(name: str, known: Iterable[str]) -> str:
    """A sentence with the known name that is closest, or with all of them."""
    names = list(known)
    close = get_close_matches(name, names, 1)
    return f"Did you mean {close[0]!r}?" if close else f"There is: {', '.join(names)}."
