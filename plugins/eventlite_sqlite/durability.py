"""What an acknowledged append survives, in words."""

from __future__ import annotations

from eventlite_sqlite.settings import Settings

_WORDS = {
    "full": "An acknowledged append survives a power cut.",
    "normal": "An acknowledged append survives a crash of the process; "
    "a power cut may lose the last moments, and never corrupts.",
}


def durability(settings: Settings) -> str:
    """One sentence for people."""
    return _WORDS[settings.synchronous]
