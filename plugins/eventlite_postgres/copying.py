"""Rows as the text that COPY reads, made by whole blocks: a call per row would cost more than the server does.

Signs that the texts of a block do not hold stand for what separates until everything is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from eventlite.event import PlainDraft, Row

#: Between fields; no stored text holds it.
_FIELD = "\0"


class _Signs(NamedTuple):
    """Between rows, and for NULL."""

    row: str
    null: str


#: Signs of one byte make texts of which most are handled in half the time; texts may hold these, if seldom.
_NARROW = _Signs("\1", "\2")

#: No stored text holds half of a surrogate pair.
_WIDE = _Signs("\ud800", "\udfff")

_SPECIAL = (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\r", "\\r"), (_FIELD, "\t"))

#: Rows in a block.
_BLOCK = 100


def event_blocks(rows: Sequence[Row]) -> Iterator[str]:
    """The text of events. The server reads a block while the next is made."""
    for start in range(0, len(rows), _BLOCK):
        yield _events(rows[start : start + _BLOCK])


def plain_blocks(first: int, plain: Sequence[PlainDraft]) -> Iterator[str]:
    """The text of events without cause, tags and key, numbered from `first` on."""
    for start in range(0, len(plain), _BLOCK):
        block = plain[start : start + _BLOCK]
        yield _block(partial(_joined_plain, first + start, block), len(block), 2 * len(block))


def tag_blocks(tags: Sequence[tuple[str, int]]) -> Iterator[str]:
    """The text of tags and the ids of their events."""
    for start in range(0, len(tags), _BLOCK):
        lines = [f"{tag}{_FIELD}{id}" for tag, id in tags[start : start + _BLOCK]]
        yield _escaped(_WIDE.row.join(lines), _WIDE)


def _events(rows: Sequence[Row]) -> str:
    nulls = [row[8] for row in rows].count(None) + [row[11] for row in rows].count(None)
    return _block(partial(_joined, rows), len(rows), nulls)


def _block(joined: Callable[[_Signs], str], rows: int, nulls: int) -> str:
    text = joined(_NARROW)
    if text.count(_NARROW.row) == rows - 1 and text.count(_NARROW.null) == nulls:
        return _escaped(text, _NARROW)
    return _escaped(joined(_WIDE), _WIDE)


def _joined(rows: Sequence[Row], signs: _Signs) -> str:
    null = signs.null
    return signs.row.join(
        [
            f"{id}\0{version}\0{recorded}\0{user}\0{ip}\0{cmd}\0{data}\0{correlation}\0"
            f"{null if cause is None else cause}\0{metadata}\0{tags}\0{null if key is None else key}\0{crc}"
            for id, version, recorded, user, ip, cmd, data, correlation, cause, metadata, tags, key, crc in rows
        ]
    )


def _joined_plain(first: int, plain: Sequence[PlainDraft], signs: _Signs) -> str:
    null = signs.null
    return signs.row.join(
        [
            f"{id}\0{version}\0{recorded}\0{user}\0{ip}\0{cmd}\0{data}\0{correlation}\0"
            f"{null}\0{metadata}\0[]\0{null}\0{crc}"
            for id, (version, recorded, user, ip, cmd, data, correlation, metadata, crc) in enumerate(plain, first)
        ]
    )


def _escaped(text: str, signs: _Signs) -> str:
    for sign, escaped in (*_SPECIAL, (signs.row, "\n"), (signs.null, "\\N")):
        text = text.replace(sign, escaped)
    return text + "\n"
