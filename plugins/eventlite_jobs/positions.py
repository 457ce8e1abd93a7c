"""The positions of triggers that survive the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from eventlite.contracts import Transaction
from eventlite_jobs.triggers import Trigger, Wanted

#: Events without a job after which a position is stored nevertheless, so that a restart does not read them again.
_FAR = 10_000


class Ledger(Protocol):
    """Keeps positions by the trigger's name, beside the jobs."""

    def begin(self, name: str, position: int) -> int:
        """Where the trigger goes on: where it was, or at `position` if it is new."""

    def move(self, name: str, stored: int, position: int, wanted: Sequence[Wanted]) -> int:
        """Create the jobs and move from `stored` to `position`, in one step; where the trigger is now.

        Does neither if another process has moved it: then that is where the trigger goes on.
        """

    def add(self, wanted: Sequence[Wanted], transaction: Transaction | None = None) -> None:
        """Create jobs and leave the positions alone; in a transaction of the store, if one is given."""


class Positions:
    """The stored position of each trigger; whoever moves it creates the jobs, so that each is created once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stored: dict[str, int] = {}

    def begin(self, name: str, position: int) -> int:
        """Where the trigger goes on: where it was, or at `position` if it is new."""
        self._stored[name] = self._ledger.begin(name, position)
        return self._stored[name]

    def take(self, trigger: Trigger, wanted: Sequence[Wanted], position: int) -> None:
        """Create the jobs and move on, or go on from where another process is."""
        stored = self._stored[trigger.name]
        if not wanted and position - stored < _FAR:
            trigger.cursor = position
            return
        self._stored[trigger.name] = trigger.cursor = self._ledger.move(trigger.name, stored, position, wanted)
