"""Rows as the text that COPY reads, made by whole blocks: a call per row would cost more than the server does.

No stored text holds a NUL or half of a surrogate pair, so these stand for what separates until everything is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from eventlite.event import Row

_FIELD, _ROW, _NULL = "\0", "\ud800", "\udfff"
_ESCAPED = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), (_FIELD, "\t"), (_ROW, "\n"), (_NULL, "\\N"))

#: Rows in a block.
_BLOCK = 100


def event_blocks(rows: Sequence[Row]) -> Iterator[str]:
    """The text of events. The server reads a block while the next is made."""
    for start in range(0, len(rows), _BLOCK):
        yield _escaped(map(_event, rows[start : start + _BLOCK]))


def tag_blocks(tags: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The text of tags and the ids of their events."""
    for start in range(0, len(tags), _BLOCK):
        yield _escaped(f"{tag}{_FIELD}{id}" for tag, id in tags[start : start + _BLOCK])


def _event(row: Row) -> str:
    id, version, recorded, user, ip, cmd, data, correlation, cause, metadata, tags, key, crc = row
    return (
        f"{id}\0{version}\0{recorded}\0{user}\0{ip}\0{cmd}\0{data}\0{correlation}\0{_NULL if cause is None else cause}"
        f"\0{metadata}\0{tags}\0{_NULL if key is None else key}\0{crc}"
    )


def _escaped(lines: Iterable[str]) -> str:
    text = _ROW.join(lines)
    for sign, escaped in _ESCAPED:
        text = text.replace(sign, escaped)
    return text + "\n"
