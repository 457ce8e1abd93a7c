"""The storage on PostgreSQL keeps the contract of a storage, on a real server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from eventlite_postgres import Settings, eventlite_make_storage
from eventlite_postgres.testing import drop_schema

from eventlite.contracts import Storage
from eventlite.testing import StorageContract


class TestPostgresStorage(StorageContract):
    covers = "storage:postgres"

    @pytest.fixture(autouse=True)
    def _schemas(self, postgres_server: str) -> Iterator[None]:
        """Each place is a schema, dropped when the test is done."""
        self.dsn = postgres_server
        self.schemas: set[str] = set()
        yield
        for schema in self.schemas:
            drop_schema(postgres_server, schema)

    def open_storage(self, place: Path) -> Storage:
        schema = f"contract_{hashlib.sha256(str(place).encode()).hexdigest()[:16]}"
        self.schemas.add(schema)
        return eventlite_make_storage(settings=Settings(dsn=self.dsn, schema=schema))
