from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eventlite_jobs.durable import DurableDispatcher, Settings

from eventlite.contracts import Host, JobDispatcher, Storage
from eventlite.testing import JobDispatcherContract
from eventlite.testing.clock import ManualClock
from eventlite.testing.host import StorageHost, open_storage


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class OfDurable(JobDispatcherContract):
    @pytest.fixture
    def host(self, storage: Storage, clock: ManualClock) -> Host:
        return StorageHost(storage, clock)

    @pytest.fixture
    def dispatcher(self, host: Host, workers: int) -> Iterator[JobDispatcher]:
        dispatcher = DurableDispatcher(host, Settings(workers=workers))
        yield dispatcher
        dispatcher.close()

    @pytest.fixture
    def advance(self, clock: ManualClock) -> Callable[[float], None]:
        return clock.advance

    @pytest.fixture
    def reopen(self, host: Host) -> Callable[[], JobDispatcher]:
        return lambda: DurableDispatcher(host, Settings(workers=1))


class TestDurable(OfDurable, JobDispatcherContract):
    covers = "jobs:durable"

    @pytest.fixture
    def storage(self, tmp_path: Path) -> Iterator[Storage]:
        storage = open_storage("sqlite", path=tmp_path / "jobs.db", synchronous="normal")
        yield storage
        storage.close()


class TestDurableWithoutSql(OfDurable):
    """On a store that has no SQL, jobs live in a database of their own and end with the process."""

    covers: Any = "storage without sql"


class TestDurableOnPostgres(OfDurable):
    """The same tables on a real server."""

    covers: Any = "storage with SQL of another kind"

    @pytest.fixture
    def storage(self, postgres: dict[str, str]) -> Iterator[Storage]:
        storage = open_storage("postgres", **postgres)
        yield storage
        storage.close()
