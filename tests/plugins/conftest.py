"""What the tests of the plugins share: a store to work on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventlite.contracts import Host, Storage
from eventlite.testing.host import StorageHost, open_storage


@pytest.fixture
def host() -> Iterator[Host]:
    """What bulk plugins work with, over an empty store in memory."""
    with closing(open_storage()) as storage:
        yield StorageHost(storage)


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    """An empty store in a file."""
    with closing(open_storage("sqlite", path=tmp_path / "events.db")) as storage:
        yield storage
