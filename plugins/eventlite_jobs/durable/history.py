"""Forgetting finished jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator

from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.session import Session

_FINISHED = ("done", "dead", "cancelled")

#: Jobs that one transaction forgets: others want to write, too.
_BATCH = 5000

#: Seconds between two rounds while jobs run: each is a commit of its own.
_PAUSE = 1.0

_BOUND = (
    "SELECT finished, id FROM @job WHERE state = ? AND finished IS NOT NULL ORDER BY finished DESC, id DESC LIMIT 1"
)
_CHOSEN = "SELECT id FROM @job WHERE state = ? AND finished IS NOT NULL AND (finished, id) <= (?, ?)"
_DELETE = f"DELETE FROM @job WHERE id IN ({_CHOSEN} ORDER BY finished, id LIMIT ?)"

_LAST = 2**63 - 1


class Pruner:
    """Prunes once so many jobs were finished that it is worth while."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._finished = 0
        self._next = 0.0

    def note(self, finished: int) -> None:
        """So many more jobs were finished."""
        self._finished += finished

    def prune_if_due(self) -> None:
        """Keep the table within a tenth more than it should have."""
        settings = self._desk.settings
        if self._finished > settings.history // 10:
            self._finished = 0
            prune(self._desk, settings.history, settings.keep)

    def prune_now_and_then(self) -> None:
        """The same, but not all the time."""
        moment = time.monotonic()
        if moment >= self._next:
            self._next = moment + _PAUSE
            self.prune_if_due()


def prune(desk: Desk, history: int, keep: float) -> int:
    """Forget what is beyond the newest `history` of each state, or older than `keep` seconds; how many that were."""
    oldest = desk.now() - round(keep * 1_000_000)
    return sum(sum(_pruned(desk, state, history, oldest)) for state in _FINISHED)


def _pruned(desk: Desk, state: str, history: int, oldest: int) -> Iterator[int]:
    with desk.database.reading() as session:
        if session is None:
            return
        bound = max(_by_count(session, state, history), (oldest, _LAST))
        if session.row(f"{_CHOSEN} LIMIT 1", (state, *bound)) is None:
            return
    while True:
        with desk.database.writing() as session:
            forgotten = session.run(_DELETE, (state, *bound, _BATCH))
        yield forgotten
        if forgotten < _BATCH:
            return


def _by_count(session: Session, state: str, history: int) -> tuple[int, int]:
    """The newest job that is one too many."""
    found = session.row(f"{_BOUND} OFFSET ?", (state, history))
    return (0, 0) if found is None else (found[0], found[1])
