"""Long reads as many short ones, by position: bounded memory, and nothing is held open in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eventlite.event import Row
from eventlite.query import Query

if TYPE_CHECKING:
    from eventlite.contracts import EventReader


def scan(
    reader: EventReader,
    query: Query,
    *,
    after: int,
    before: int,
    limit: int | None = None,
    backwards: bool = False,
    size: int = 1000,
) -> Iterator[list[Row]]:
    """Batches of at most `size` matching rows with `after < id < before`, `limit` rows in all."""
    while limit is None or limit > 0:
        wanted = size if limit is None else min(size, limit)
        rows = reader.read(query, after=after, before=before, limit=wanted, backwards=backwards)
        if rows:
            yield rows
        if len(rows) < wanted:
            return
        after, before = (after, rows[-1][0]) if backwards else (rows[-1][0], before)
        limit = None if limit is None else limit - wanted
