r"""Tab-separated values: one event per line, with `\t`, `\n`, `\r` and `\\` for what a cell cannot hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from eventlite import hookimpl
from eventlite.contracts import Entry, Format, Rejected, Source
from eventlite.event import COLUMNS, Row, to_iso

CONTRACT = 1

_HEADER = COLUMNS[:12]
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_CHARACTERS = {escape: character for character, escape in _ESCAPES.items()}


class TsvFormat:
    """The first line names the columns; no cause and no key are empty cells."""

    name = "tsv"
    suffixes = (".tsv",)

    def read(self, source: Source) -> Iterator[Entry | Rejected]:
        header: list[str] = []
        for number, line in source.lines():
            try:
                cells = [_unescaped(cell) for cell in line.decode().rstrip("\r\n").split("\t")]
            except UnicodeDecodeError:
                yield Rejected(number, "not UTF-8", line)
                continue
            if cells == [""]:
                continue
            if not header:
                header = cells
            elif len(cells) != len(header):
                yield Rejected(number, f"{len(cells)} cells, but the first line has {len(header)}", line)
            else:
                yield Entry(number, dict(zip(header, cells, strict=True)))

    def write(self, rows: Iterable[Row], target: BinaryIO) -> None:
        target.write(_line(_HEADER))
        for row in rows:
            target.write(_line((*row[:2], to_iso(row[2]), *row[3:12])))


def _line(cells: Iterable[object]) -> bytes:
    texts = ("" if cell is None else str(cell) for cell in cells)
    return ("\t".join(_escaped(text) for text in texts) + "\n").encode()


def _escaped(text: str) -> str:
    return re.sub(r"[\\\t\n\r]", lambda match: _ESCAPES[match[0]], text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\[\\tnr]", lambda match: _CHARACTERS[match[0]], text)


@hookimpl
def eventlite_formats() -> list[Format]:
    """The format."""
    return [TsvFormat()]
