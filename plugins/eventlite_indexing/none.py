"""The `none` policy: the profile names no index, and those that a store has are left alone."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from eventlite import hookimpl
from eventlite.contracts import Indexing, Storage
from eventlite_indexing.policy import Policy, Progress

CONTRACT = 1


class Settings(BaseModel):
    """`[indexing] plugin = "none"`: there is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Untouched(Policy):
    """Asks for nothing and minds nothing; indexes change only when they are named."""

    def __init__(self, storage: Storage) -> None:
        super().__init__(storage, [])

    def difference(self) -> tuple[list[str], list[str]]:
        return [], []

    def apply(self, names: Sequence[str] | None = None, *, progress: Progress | None = None) -> list[str]:
        return self.active() if names is None else super().apply(names, progress=progress)


@hookimpl
def eventlite_make_indexing(settings: Settings, storage: Storage) -> Indexing | None:  # noqa: ARG001
    """Make the policy."""
    return Untouched(storage)
