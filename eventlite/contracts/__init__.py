"""What a plugin must offer, one protocol per concern.

Every contract has a number in `CONTRACTS`; a plugin says with `CONTRACT = 1` which one it was written for.
The suites in `eventlite.testing` are these texts as tests.
"""

from __future__ import annotations

from collections.abc import Mapping

from eventlite.contracts.bulk import Bulk, BulkReport, Entry, ExportOptions, Format, ImportOptions, Rejected, Source
from eventlite.contracts.caching import Cache, CacheStats
from eventlite.contracts.host import Host
from eventlite.contracts.indexing import INDEXES, Index, Indexing
from eventlite.contracts.jobs import Job, JobCapabilities, JobDispatcher, JobInfo
from eventlite.contracts.state import Record, StateReader, StateStore
from eventlite.contracts.storage import EventReader, Snapshot, Statistics, Storage, StorageCapabilities, Transaction
from eventlite.contracts.writing import CommitRequest, Committed, Outcome

#: The version of each concern's contract.
CONTRACTS: Mapping[str, int] = {"storage": 1, "indexing": 1, "caching": 1, "bulk": 1, "jobs": 1, "extensions": 1}

__all__ = [
    "CONTRACTS",
    "INDEXES",
    "Bulk",
    "BulkReport",
    "Cache",
    "CacheStats",
    "CommitRequest",
    "Committed",
    "Entry",
    "EventReader",
    "ExportOptions",
    "Format",
    "Host",
    "ImportOptions",
    "Index",
    "Indexing",
    "Job",
    "JobCapabilities",
    "JobDispatcher",
    "JobInfo",
    "Outcome",
    "Record",
    "Rejected",
    "Snapshot",
    "Source",
    "StateReader",
    "StateStore",
    "Statistics",
    "Storage",
    "StorageCapabilities",
    "Transaction",
]
