"""What a plugin must offer, one protocol per concern.

Every contract has a number in `CONTRACTS`; a plugin says with `CONTRACT = 1` which one it was written for.
The suites in `eventlite.testing` are these texts as tests. A module is imported when one of its names is first used:
a program that only appends needs two of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eventlite.contracts.announcing import Announcing
    from eventlite.contracts.bulk import Bulk, BulkReport, Entry, ExportOptions, Format, ImportOptions, Rejected, Source
    from eventlite.contracts.caching import Cache, CacheStats
    from eventlite.contracts.host import Host
    from eventlite.contracts.indexing import INDEXES, Index, Indexing
    from eventlite.contracts.jobs import (
        DEFAULT_QUEUE,
        JOB_STATES,
        Durations,
        Job,
        JobCancelled,
        JobCapabilities,
        JobDispatcher,
        JobExtras,
        JobFailure,
        JobInfo,
        JobProgress,
        JobStatistics,
        QueueInfo,
        RunningJob,
        ScheduleInfo,
        Snooze,
    )
    from eventlite.contracts.state import Record, StateReader, StateStore, check_record_names
    from eventlite.contracts.storage import EventReader, Snapshot, Statistics, Storage, StorageCapabilities, Transaction
    from eventlite.contracts.writing import CommitRequest, Committed, NumberedRows, Outcome, PlainDrafts

#: The version of each concern's contract.
CONTRACTS: Mapping[str, int] = {"storage": 1, "indexing": 1, "caching": 1, "bulk": 1, "jobs": 1, "extensions": 1}

_MODULES = {
    "Announcing": "announcing",
    "Bulk": "bulk",
    "BulkReport": "bulk",
    "Cache": "caching",
    "CacheStats": "caching",
    "CommitRequest": "writing",
    "Committed": "writing",
    "DEFAULT_QUEUE": "jobs",
    "Durations": "jobs",
    "Entry": "bulk",
    "EventReader": "storage",
    "ExportOptions": "bulk",
    "Format": "bulk",
    "Host": "host",
    "INDEXES": "indexing",
    "ImportOptions": "bulk",
    "Index": "indexing",
    "Indexing": "indexing",
    "JOB_STATES": "jobs",
    "Job": "jobs",
    "JobCancelled": "jobs",
    "JobCapabilities": "jobs",
    "JobDispatcher": "jobs",
    "JobExtras": "jobs",
    "JobFailure": "jobs",
    "JobInfo": "jobs",
    "JobProgress": "jobs",
    "JobStatistics": "jobs",
    "Outcome": "writing",
    "PlainDrafts": "writing",
    "NumberedRows": "writing",
    "QueueInfo": "jobs",
    "Record": "state",
    "Rejected": "bulk",
    "RunningJob": "jobs",
    "ScheduleInfo": "jobs",
    "Snapshot": "storage",
    "Snooze": "jobs",
    "Source": "bulk",
    "StateReader": "state",
    "StateStore": "state",
    "Statistics": "storage",
    "Storage": "storage",
    "StorageCapabilities": "storage",
    "Transaction": "storage",
    "check_record_names": "state",
}

__all__ = [
    "CONTRACTS",
    "DEFAULT_QUEUE",
    "INDEXES",
    "JOB_STATES",
    "Announcing",
    "Bulk",
    "BulkReport",
    "Cache",
    "CacheStats",
    "CommitRequest",
    "Committed",
    "Durations",
    "Entry",
    "EventReader",
    "ExportOptions",
    "Format",
    "Host",
    "ImportOptions",
    "Index",
    "Indexing",
    "Job",
    "JobCancelled",
    "JobCapabilities",
    "JobDispatcher",
    "JobExtras",
    "JobFailure",
    "JobInfo",
    "JobProgress",
    "JobStatistics",
    "NumberedRows",
    "Outcome",
    "PlainDrafts",
    "QueueInfo",
    "Record",
    "Rejected",
    "RunningJob",
    "ScheduleInfo",
    "Snapshot",
    "Snooze",
    "Source",
    "StateReader",
    "StateStore",
    "Statistics",
    "Storage",
    "StorageCapabilities",
    "Transaction",
    "check_record_names",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
