"""What an acknowledged append survives, in words, from the settings of the server."""

from __future__ import annotations

from typing import Any

import psycopg

_SETTINGS = "SELECT current_setting('fsync'), current_setting('synchronous_commit'), " \
    "current_setting('synchronous_standby_names')"  # fmt: skip


def durability(connection: psycopg.Connection[Any]) -> str:
    """One sentence for people."""
    row = connection.execute(_SETTINGS).fetchone()
    assert row is not None
    fsync, commit, standbys = row
    if fsync == "off":
        return "An acknowledged append survives a crash of the server process; the server runs with fsync=off."
    if commit == "off":
        return "An acknowledged append survives a crash of this process; one of the server may lose the last moments."
    if standbys and commit != "local":
        return "An acknowledged append survives a power cut, and the loss of the primary: a standby has it too."
    return "An acknowledged append survives a power cut of the server."
