"""Counts the commits of whatever storage the profile names."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from eventlite import hookimpl
from eventlite.contracts import CommitRequest, Outcome, Storage

CONTRACT = 1


class CountingStorage:
    """Passes every call on; `facts` has one more: `commits`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._commits = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def commit(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        outcomes = self._storage.commit(requests)
        self._commits += 1
        return outcomes

    def facts(self) -> Mapping[str, Any]:
        return {**self._storage.facts(), "commits": self._commits}


@hookimpl(wrapper=True)
def eventlite_make_storage() -> Generator[None, Storage, CountingStorage]:
    """Wrap the storage."""
    return CountingStorage((yield))
