"""Compares the switchable indexes that a store should have with those it has, and makes them equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, TypeAlias

from eventlite import InvalidQueryError
from eventlite.contracts import INDEXES, Index, Storage
from eventlite.errors import suggestion

#: Is told what is being done, how many steps are done, and of how many.
Progress: TypeAlias = Callable[[str, int, int], None]


class Policy:
    """A store should have exactly the declared indexes."""

    def __init__(self, storage: Storage, declared: Sequence[Index]) -> None:
        self._storage = storage
        self._declared = list(declared)

    def declared(self) -> list[Index]:
        return list(self._declared)

    def active(self) -> list[str]:
        return [index.name for index in self._existing()]

    def difference(self) -> tuple[list[str], list[str]]:
        """A path index that exists over another path than the declared one is in both lists."""
        if not self._storage.capabilities.indexes:
            return [], []
        missing, superfluous = _compare(self._declared, self._existing())
        return _names(missing), _names(superfluous)

    def apply(self, names: Sequence[str] | None = None, *, progress: Progress | None = None) -> list[str]:
        """Drops first, so that an index over another path than before makes room for the new one of its name."""
        wanted = self._declared if names is None else self._named(names)
        if self._storage.capabilities.indexes:
            _take(self._steps(wanted), progress or _unseen)
        return self.active()

    def _existing(self) -> list[Index]:
        if self._storage.capabilities.indexes:
            return self._storage.indexes()
        self._storage.head()  # raises if the store is closed
        return []

    def _steps(self, wanted: Sequence[Index]) -> list[_Step]:
        missing, superfluous = _compare(wanted, self._existing())
        return [
            *(_Step(f"drop {index.name}", partial(self._storage.drop_index, index.name)) for index in superfluous),
            *(_Step(f"build {index.name}", partial(self._storage.create_index, index)) for index in missing),
        ]

    def _named(self, names: Sequence[str]) -> list[Index]:
        """The indexes of those names: declared ones first, then the eight, then what the store has."""
        known = {index.name: index for index in [*self._existing(), *INDEXES.values(), *self._declared]}
        for name in names:
            if name not in known:
                raise InvalidQueryError(f"unknown index {name!r}", hint=suggestion(name, known))
        return [known[name] for name in dict.fromkeys(names)]


class _Step(NamedTuple):
    what: str
    run: Callable[[], None]


def _compare(wanted: Sequence[Index], existing: Sequence[Index]) -> tuple[list[Index], list[Index]]:
    """Those that are wanted but missing, and those that exist but are not wanted."""
    return (
        [index for index in wanted if index not in existing],
        [index for index in existing if index not in wanted],
    )


def _names(indexes: Sequence[Index]) -> list[str]:
    return [index.name for index in indexes]


def _take(steps: Sequence[_Step], progress: Progress) -> None:
    for done, step in enumerate(steps):
        progress(step.what, done, len(steps))
        step.run()
        progress(step.what, done + 1, len(steps))


def _unseen(what: str, done: int, total: int) -> None:
    """The progress that nobody asked for."""
