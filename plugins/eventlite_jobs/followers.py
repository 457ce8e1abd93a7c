"""Events that become kept jobs: behind the appends, from a stored position on, or inside them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from eventlite.contracts import Host, Job, Transaction
from eventlite.event import Row
from eventlite_jobs.positions import Ledger, Positions
from eventlite_jobs.triggers import Trigger, Triggers
from eventlite_jobs.workers import Workers


class Followers:
    """The triggers of this program, whose jobs and positions are in the ledger."""

    def __init__(self, host: Host, workers: Workers, ledger: Ledger) -> None:
        self._host = host
        self._workers = workers
        self._ledger = ledger
        self._positions = Positions(ledger)
        self._triggers = Triggers(host, self._positions.take)

    def add(self, trigger: Trigger, after: int | None) -> None:
        """Follow behind the appends."""
        start = self._triggers.start_position(after)
        self._register(trigger)
        trigger.cursor = self._positions.begin(trigger.name, start)
        self._triggers.start(trigger)

    def add_inline(self, trigger: Trigger) -> None:
        """Make the jobs inside the appends."""
        self._register(trigger)
        (cmd,) = trigger.query.cmd or ("",)
        self._host.inside_appends(partial(self._serve_inside, trigger, cmd))

    def catch_up(self) -> int:
        """Serve the events up to the head; how many that were."""
        return self._triggers.catch_up()

    def _register(self, trigger: Trigger) -> None:
        """Its name is that of a worker too: of the jobs that run the mapper once more."""
        self._workers.add(trigger.name, partial(self._serve_again, trigger), retries=0)

    def _serve_again(self, trigger: Trigger, job: Job) -> None:
        wanted = self._triggers.map_again(trigger, job)
        if wanted is not None:
            self._ledger.add([wanted])

    def _serve_inside(self, trigger: Trigger, cmd: str, transaction: Transaction, rows: Sequence[Row]) -> None:
        """Called in the transaction of every append."""
        found = [self._triggers.mapped(trigger, row) for row in rows if row[5] == cmd]
        wanted = [one for one in found if one is not None]
        if wanted:
            self._ledger.add(wanted, transaction)
