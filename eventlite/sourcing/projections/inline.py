"""A projection inside the transaction of every append: its state is never behind what was acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from eventlite.event import MAX_ID, Row
from eventlite.query import ALL_EVENTS
from eventlite.scanning import scan
from eventlite.sourcing.consumer import store
from eventlite.sourcing.projections.applying import BATCH, apply_rows
from eventlite.sourcing.projections.book import standing

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Transaction
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.model import Model


class InlineProjection:
    """What `Host.inside_appends` calls."""

    def __init__(self, host: Host, projection: Projection, model: Model) -> None:
        self._host = host
        self._projection = projection
        self._model = model

    def __call__(self, transaction: Transaction, rows: Sequence[Row]) -> None:
        """Handle new rows, and before them what others appended that do not have this projection."""
        found = standing(transaction.state, self._projection.name)
        place = self._model.live(found.generation)
        if found.position + 1 < rows[0][0]:  # ids have gaps, so that this may be nothing
            for missed in scan(transaction, ALL_EVENTS, after=found.position, before=rows[0][0], size=BATCH):
                apply_rows(self._host, self._projection, self._model, transaction, place, missed)
        if found.position < rows[-1][0]:
            new = [row for row in rows if row[0] > found.position] if found.position >= rows[0][0] else rows
            apply_rows(self._host, self._projection, self._model, transaction, place, new)
            store(transaction.state, replace(found, position=rows[-1][0]))

    def catch_up(self) -> int:
        """Handle a batch of what was there before; raises `HandlerError`."""
        with self._host.transaction() as transaction:
            found = standing(transaction.state, self._projection.name)
            rows = transaction.read(ALL_EVENTS, after=found.position, before=MAX_ID + 1, limit=BATCH)
            if rows:
                self(transaction, rows)
        return len(rows)
