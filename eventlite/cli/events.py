"""Events as JSON and as lines for people."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import Any

import click
import orjson

from eventlite.cli.output import safe
from eventlite.event import Event, to_iso

_COLOURS: tuple[dict[str, Any], ...] = ({"fg": "cyan"}, {"dim": True}, {"bold": True}, {"fg": "yellow"})


def event_json(event: Event) -> dict[str, Any]:
    """The twelve fields, ready for `to_json`, whatever the depth of the payload. Raises `CorruptionError`."""
    _ = event.data, event.metadata, event.tags  # what is stored is taken as it is only when it can be decoded
    id, version, recorded, user, ip, cmd, data, correlation_id, causation_id, metadata, tags, key, _crc = event.row
    return {
        "id": id,
        "version": version,
        "datetime": to_iso(recorded),
        "user": user,
        "ip": ip,
        "cmd": cmd,
        "data": orjson.Fragment(data),
        "correlation_id": correlation_id,
        "causation_id": causation_id,
        "metadata": orjson.Fragment(metadata),
        "tags": orjson.Fragment(tags),
        "key": key,
    }


def event_lines(events: Sequence[Event], *, indent: int = 0) -> list[str]:
    """A line for each event: id, time, command, user, payload.

    Cut to the width of a terminal, less `indent` characters; whole in a pipe.
    """
    cells = [_cells(event) for event in events]
    widths = [max((len(row[column]) for row in cells), default=0) for column in range(4)]
    room = _terminal_width() - indent - sum(widths) - 2 * len(widths)
    return [_line(row, widths, room) for row in cells]


def _cells(event: Event) -> tuple[str, str, str, str, str]:
    _ = event.data
    return str(event.id), short_time(event), safe(event.cmd), safe(event.user), safe(event.row[6])


def iso(moment: int | None) -> str | None:
    """Microseconds since the epoch as ISO text, None as None."""
    return None if moment is None else to_iso(moment)


def short_time(event: Event) -> str:
    """The time to the millisecond: `2026-01-31T12:00:00.123Z`."""
    return f"{to_iso(event.row[2])[:23]}Z"


def _line(cells: tuple[str, ...], widths: Sequence[int], room: int) -> str:
    id, *fields, data = cells
    fields = [id.rjust(widths[0]), *(text.ljust(width) for text, width in zip(fields, widths[1:], strict=True))]
    coloured = (click.style(text, **style) for text, style in zip(fields, _COLOURS, strict=True))
    return "  ".join((*coloured, shortened(data, max(room, 10))))


def shortened(text: str, room: int) -> str:
    """The text, cut to that many characters."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _terminal_width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def event_sheet(event: Event) -> list[str]:
    """All fields of an event, one below the other; empty ones are left out."""
    fields = [
        ("id", str(event.id)),
        ("datetime", to_iso(event.row[2])),
        ("cmd", event.cmd),
        ("user", event.user),
        ("ip", event.ip),
        ("version", str(event.version)),
        ("correlation", event.correlation_id),
        ("cause", "" if event.causation_id is None else str(event.causation_id)),
        ("tags", "  ".join(event.tags)),
        ("key", event.key or ""),
    ]
    lines = [f"{click.style(name.ljust(13), dim=True)}{safe(value)}" for name, value in fields if value]
    return [*lines, *_payload("data", event.data), *(_payload("metadata", event.metadata) if event.metadata else ())]


def _payload(name: str, value: dict[str, Any]) -> list[str]:
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return [click.style(name, dim=True), *(f"  {safe(line)}" for line in text.split("\n"))]
