"""Which way of keeping state a projection asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eventlite.sourcing.projections.model import Model
from eventlite.sourcing.projections.record_model import RecordModel
from eventlite.sourcing.projections.table_model import TableModel

if TYPE_CHECKING:
    from eventlite.sourcing.projection import Projection


def model_of(projection: Projection, dialect: str | None) -> Model | None:
    """How the state is kept in the store; None for an object outside.

    Raises `ProjectionError` for tables where there is no SQL.
    """
    if projection.tables:
        return TableModel(projection.name, projection.tables, dialect)
    return RecordModel(projection.name) if projection.into is None else None
