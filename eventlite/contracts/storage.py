"""The contract of a storage: where events live."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from eventlite.contracts.indexing import Index
from eventlite.contracts.state import StateReader, StateStore
from eventlite.contracts.writing import CommitRequest, Committed, Outcome
from eventlite.event import Row
from eventlite.query import Query


class EventReader(Protocol):
    """Reads events by position. Every call is short and holds nothing open."""

    def head(self) -> int:
        """The id of the last event, 0 without events."""

    def get(self, id: int) -> Row | None:
        """The event of that id, or None."""

    def read(
        self,
        query: Query,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int,
        offset: int = 0,
        backwards: bool = False,
    ) -> list[Row]:
        """At most `limit` matching events with `after < id < before`, by id, the first `offset` of them left out.

        `backwards` starts from the last one.
        """

    def count(self, query: Query, *, after: int = 0, before: int | None = None) -> int:
        """How many events `read` would find without a limit."""

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last matching event beyond a position, 0 without one."""


class Snapshot(EventReader, Protocol):
    """Events and records as they were at one moment."""

    @property
    def state(self) -> StateReader:
        """The records as of that moment."""

    @property
    def connection(self) -> Any:
        """The DB-API connection that sees that moment; only where `capabilities.sql` names a dialect. To read only."""


class Transaction(EventReader, Protocol):
    """A unit of work that is stored as a whole when its block ends, or not at all when it raises.

    No other writer writes meanwhile. It sees its own appends.
    """

    @property
    def state(self) -> StateStore:
        """The records, to read and write."""

    def append(self, request: CommitRequest) -> Committed:
        """Admit one request; raises what `commit` would return as a refusal, and the transaction goes on."""

    def by_key(self, key: str) -> Row | None:
        """The event that has that idempotency key, or None."""

    @property
    def connection(self) -> Any:
        """The DB-API connection that the transaction runs on; only where `capabilities.sql` names a dialect.

        Statements only: the storage begins and ends the transaction.
        """


@dataclass(frozen=True, slots=True)
class StorageCapabilities:
    """What a storage can do beyond the contract's mandatory part, and what its acknowledgement means."""

    #: What an acknowledged append survives, in words for a person.
    durability: str
    #: Whether handlers can run in the append's own transaction.
    transactional: bool = True
    #: The SQL dialect of `tx.connection` ("sqlite", "postgresql"), or None.
    sql: str | None = None
    #: The schema that plugins put tables of their own into, where the dialect has schemas.
    sql_schema: str | None = None
    #: Whether events are still there after `close` and a new opening.
    persistent: bool = True
    #: Whether it has switchable indexes; without, `create_index` is never called.
    indexes: bool = True
    #: Whether several processes may open it at once.
    multi_process: bool = False
    #: Whether `backup` works.
    backup: bool = False
    #: Whether it is what can be read of a damaged store: it ends where the first damage is.
    salvaged: bool = False
    #: The most events in one request.
    max_batch: int = 1_000_000
    #: Events of a request with which a load is quickest.
    bulk_batch: int = 10_000


@dataclass(frozen=True, slots=True)
class Statistics:
    """A summary of all events; times in microseconds since the epoch, None without events."""

    events: int
    head: int
    correlations: int
    roots: int
    children: int
    first: int | None
    last: int | None
    by_cmd: Mapping[str, int]
    by_user: Mapping[str, int]
    by_version: Mapping[int, int]


class Storage(EventReader, Protocol):
    """Keeps events, in one order that every reader sees. Safe to call from any thread."""

    @property
    def capabilities(self) -> StorageCapabilities:
        """What it can do, and what its acknowledgement means."""

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        """Write all requests in one transaction, each accepted or refused on its own; the only way to write events.

        When it returns, what was accepted is as durable as `capabilities.durability` says. It raises, and nothing is
        written, when the store itself fails.
        """

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A unit of work over events and records."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """A consistent view that writes nothing and waits for no writer. Keep it short."""

    def bulk_load(self, expected: int | None) -> AbstractContextManager[None]:
        """Around a load of about `expected` events (None: unknown): the storage may put off the upkeep of indexes."""

    def wait(self, after: int, timeout: float) -> int:
        """Wait until the head is beyond `after`, for `timeout` seconds at most; returns the head.

        Appends of other processes end the wait too.
        """

    def close(self) -> None:
        """Release everything; waits of other threads end. Closing twice is fine; other calls raise
        `StoreClosedError`.
        """

    def indexes(self) -> list[Index]:
        """The switchable indexes that exist, by name."""

    def create_index(self, index: Index) -> None:
        """Build the index; reads and appends go on as far as the store can."""

    def drop_index(self, name: str) -> None:
        """Remove the index."""

    def explain(self, query: Query) -> list[str]:
        """How `read` would find the events, in the store's own words, such as the index it uses."""

    def statistics(self) -> Statistics:
        """A summary of all events; `eventlite.statistics.summarise` computes one for any storage."""

    def facts(self) -> Mapping[str, Any]:
        """Where and how it keeps its data, for people: path, sizes in bytes, versions, settings."""

    def check(self) -> Iterator[str]:
        """What is wrong with the store itself, beyond the events, one sentence each; nothing when it is sound."""

    def backup(self, target: Path) -> None:
        """Write a consistent copy to a path that does not exist yet; only where `capabilities.backup`."""
