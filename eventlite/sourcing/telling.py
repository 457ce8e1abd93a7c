"""What somebody's code raised, as it is kept."""

from __future__ import annotations

from contextlib import suppress

#: Characters of an error's text that are kept.
MAX_ERROR = 1000


def told(error: BaseException) -> str:
    """An error as it is kept: "Type: text" in one line, cut short, in characters that can be stored."""
    text = ""
    with suppress(Exception):  # an error may raise when it is asked what it is
        text = str(error).replace("\n  ", ". ")  # where a hint begins
    return f"{type(error).__name__}: {text}"[:MAX_ERROR].encode("utf-8", "backslashreplace").decode()
