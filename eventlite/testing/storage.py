"""The contract of a storage, as tests."""

from __future__ import annotations

from eventlite.testing.storage_appending import AppendingContract
from eventlite.testing.storage_concurrency import ConcurrencyContract
from eventlite.testing.storage_guards import CausesContract, ConditionsContract, KeysContract
from eventlite.testing.storage_operations import (
    IndexesContract,
    OperationsContract,
    PersistenceContract,
    WaitingContract,
)
from eventlite.testing.storage_reading import QueriesContract, ReadingContract
from eventlite.testing.storage_transactions import SnapshotsContract, StateContract, TransactionsContract


class StorageContract(
    AppendingContract,
    KeysContract,
    ConditionsContract,
    CausesContract,
    ReadingContract,
    QueriesContract,
    TransactionsContract,
    SnapshotsContract,
    StateContract,
    WaitingContract,
    IndexesContract,
    OperationsContract,
    PersistenceContract,
    ConcurrencyContract,
):
    """Subclass it, name the plugin in `covers`, and open the storage:

    class TestMyStorage(StorageContract):
        covers = "storage:mine"

        def open_storage(self, place):
            return MyStorage(place)

    `place` is a path that does not exist the first time; the suite closes what it opens. A server may take the name of
    a database or schema from it, and clean up in a fixture.
    """
