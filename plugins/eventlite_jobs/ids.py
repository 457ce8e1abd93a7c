"""The ids of jobs that are kept in a table: the numbers of their rows, as text."""

from __future__ import annotations


def number(id: str) -> int:
    """The row of a job's id; 0, which no job has, for a text that is no id."""
    return int(id) if isinstance(id, str) and id.isascii() and id.isdigit() and len(id) < 19 else 0
