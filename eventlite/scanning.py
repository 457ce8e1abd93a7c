"""Long reads as many short ones, by position: bounded memory, and nothing is held open in between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from eventlite.event import Row
from eventlite.query import Query

if TYPE_CHECKING:
    from eventlite.contracts import EventReader

#: Events read at a time: half a megabyte, which stays in a processor's own cache; a thousand take a tenth longer.
BATCH = 500


def scan(
    reader: EventReader,
    query: Query,
    *,
    after: int,
    before: int,
    limit: int | None = None,
    backwards: bool = False,
    size: int = BATCH,
) -> Iterator[list[Row]]:
    """Batches of at most `size` matching rows with `after < id < before`, `limit` rows in all."""
    while limit is None or limit > 0:
        wanted = size if limit is None else min(size, limit)
        rows = reader.read(query, after=after, before=before, limit=wanted, backwards=backwards)
        if not rows:
            return
        found, last = len(rows), rows[-1][0]
        yield rows
        del rows  # so that the next ones can have their memory
        if found < wanted:
            return
        after, before = (after, last) if backwards else (last, before)
        limit = None if limit is None else limit - wanted
