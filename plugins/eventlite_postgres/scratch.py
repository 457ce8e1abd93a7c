"""Schemas that are there for a while, beside those of real stores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import psycopg

from eventlite_postgres.connecting import connect
from eventlite_postgres.failures import translated
from eventlite_postgres.settings import Settings

#: What the name of such a schema begins with; one that a killed process left can be told by it.
PREFIX = "eventlite_scratch_"


@contextmanager
def scratch_schema(settings: Settings) -> Iterator[Mapping[str, Any]]:
    """Settings that name a new schema, dropped at the end of the block with all that is in it."""
    schema = f"{PREFIX}{uuid4().hex}"
    try:
        yield {"schema": schema}
    finally:
        _drop(settings, schema)


def _drop(settings: Settings, schema: str) -> None:
    with connect(settings) as connection:
        try:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())
        except psycopg.Error as error:
            raise translated(error) from error
