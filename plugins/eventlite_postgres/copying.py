"""Rows as the text that COPY reads, made by whole blocks: a call per row would cost more than the server does.

No stored text holds a NUL or half of a surrogate pair, so these stand for what separates until everything is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from eventlite.event import Row

_FIELD, _ROW, _NULL = "\0", "\ud800", "\udfff"
_ESCAPED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), (_FIELD, "\t"), (_ROW, "\n"), (_NULL, "\\N"))

#: Rows in a block.
_BLOCK = 500


def event_blocks(rows: Sequence[Row]) -> Iterator[str]:
    """The text of events."""
    return _blocks([_event(row) for row in rows])


def tag_blocks(tags: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The text of tags and the ids of their events."""
    return _blocks([f"{tag}{_FIELD}{id}" for tag, id in tags])


def _event(row: Row) -> str:
    id, version, recorded, user, ip, cmd, data, correlation, cause, metadata, tags, key, crc = row
    return (
        f"{id}\0{version}\0{recorded}\0{user}\0{ip}\0{cmd}\0{data}\0{correlation}\0{_NULL if cause is None else cause}"
        f"\0{metadata}\0{tags}\0{_NULL if key is None else key}\0{crc}"
    )


def _blocks(lines: list[str]) -> Iterator[str]:
    for start in range(0, len(lines), _BLOCK):
        text = _ROW.join(lines[start : start + _BLOCK])
        for sign, escaped in _ESCAPED:
            text = text.replace(sign, escaped)
        yield text + "\n"
