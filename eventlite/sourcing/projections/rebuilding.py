"""Building a projection's state anew beside the live one, comparing the two, and swapping them.

Each attempt has a place of its own, by a number that is never used again, so that one that was killed or overtaken
cannot spoil another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from eventlite.errors import ConflictError, ProjectionError
from eventlite.query import ALL_EVENTS
from eventlite.scanning import scan
from eventlite.sourcing.consumer import HOLD, Consumer, Hold, store
from eventlite.sourcing.projections.applying import BATCH, apply_rows
from eventlite.sourcing.projections.book import describe, description, rebuild_name, standing
from eventlite.sourcing.projections.removing import discard, discard_records, drop_tables
from eventlite.sourcing.projections.report import ProjectionReport, compare
from eventlite.sourcing.projections.snapshotting import subject_name
from eventlite.sourcing.snapshots import forget

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Transaction
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.model import Model, View

#: Called with the events replayed so far and those there are.
Progress: TypeAlias = Callable[[int, int], None]

#: How often to look for a moment at which both states are at one position before appends have to wait for it.
_ATTEMPTS = 20


def rebuild(
    host: Host, projection: Projection, model: Model, *, mode: str, progress: Progress | None = None
) -> ProjectionReport:
    """Build, compare, swap; the live state is untouched until the swap, which is one transaction.

    Raises `HandlerError` for a handler that fails, and `ProjectionError` while another process rebuilds it.
    """
    with _shadow(host, projection, model, progress) as shadow:
        report = shadow.compare()
        shadow.swap(mode)
    return replace(report, events=shadow.events, swapped=True)


def verify(host: Host, projection: Projection, model: Model, *, progress: Progress | None = None) -> ProjectionReport:
    """Build and compare, and change nothing."""
    with _shadow(host, projection, model, progress) as shadow:
        return shadow.compare()


def settled(live: Consumer, **changes: Any) -> Consumer:
    """A projection after its rebuild: held by nobody, and not stopped any more unless that was by hand."""
    paused = live.paused and live.error is None
    return replace(live, paused=paused, error=None, error_position=None, owner="", until=0, **changes)


@contextmanager
def _shadow(host: Host, projection: Projection, model: Model, progress: Progress | None) -> Iterator[Shadow]:
    """A new, empty place, removed at the end unless it is the live one then."""
    shadow = Shadow(host, projection, model, progress or (lambda _done, _total: None))
    shadow.begin()
    try:
        yield shadow
    except ConflictError as error:
        raise ProjectionError(f"another process took over the rebuild of projection {projection.name!r}") from error
    finally:
        shadow.end()


class Shadow:
    """A state that is built beside the live one."""

    def __init__(self, host: Host, projection: Projection, model: Model, progress: Progress) -> None:
        self._host = host
        self._projection = projection
        self._model = model
        self._progress = progress
        self._hold = Hold(host, rebuild_name(projection.name))
        #: The place of a state that is not needed any more.
        self._superfluous = ""
        #: Events replayed.
        self.events = 0

    @property
    def place(self) -> str:
        """Where it is built."""
        return self._model.shadow(self._hold.consumer.generation)

    def begin(self) -> None:
        """Take a number of its own, remove what others left, and make what the state needs."""
        self._take()
        with self._host.storage.snapshot() as snapshot:
            live = standing(snapshot.state, self._projection.name).generation
        last = max(self._hold.consumer.generation, live)
        discard(self._host, self._model, last, live)
        with self._host.transaction() as transaction:
            begun = self._hold.advance(transaction.state, 0, generation=last + 1)
            self._model.create(transaction, self._model.shadow(last + 1))
        self._hold.consumer = begun
        self._superfluous = self.place

    def end(self) -> None:
        """Remove the state that lost, and let others rebuild."""
        if self._superfluous:
            self._model.discard(self._host, self._superfluous)
        self._hold.release()

    def compare(self) -> ProjectionReport:
        """Compare with the live state, both at the position of that."""
        with ExitStack() as stack:
            view = self._meet(stack)
            live = self._model.live(standing(view.state, self._projection.name).generation)
            found = compare(self._model, view, live, self.place)
            return ProjectionReport(self._projection.name, self.events, self._hold.position, *found)

    def swap(self, mode: str) -> None:
        """Go on to the head and take the place of the live state, in one transaction."""
        self._catch_up(self._host.storage.head())
        name = self._projection.name
        with self._host.transaction() as transaction:
            self._catch_up_inside(transaction, transaction.head())
            live, old = standing(transaction.state, name), description(transaction.state, name)
            drop_tables(transaction, old)
            number = self._hold.consumer.generation
            self._model.settle(transaction, number)
            describe(transaction.state, name, self._model.describe(), old.get("mode", mode))
            store(transaction.state, settled(live, position=self._hold.position, generation=number))
            forget(transaction.state, subject_name(name))  # they are as old as the state that goes
        self._superfluous = ""
        discard_records(self._host, name, old, live.generation)

    def _take(self) -> None:
        """Hold the rebuild; one that was killed is over when its hold ends."""
        deadline = time.monotonic() + HOLD + 0.5
        while not self._acquired():
            if time.monotonic() > deadline:
                raise ProjectionError(f"projection {self._projection.name!r} is being rebuilt by another process")
            time.sleep(0.05)

    def _acquired(self) -> bool:
        try:
            return self._hold.acquire()
        except ConflictError:
            return False

    def _meet(self, stack: ExitStack) -> View:
        """A view of both states at one position: a snapshot taken while nobody can write, or else a transaction."""
        for _ in range(_ATTEMPTS):
            with self._host.storage.snapshot() as snapshot:
                position = standing(snapshot.state, self._projection.name).position
            self._catch_up(position)
            with self._host.transaction() as transaction:
                if standing(transaction.state, self._projection.name).position == self._hold.position:
                    return stack.enter_context(self._host.storage.snapshot())
        transaction = stack.enter_context(self._host.transaction())
        self._catch_up_inside(transaction, standing(transaction.state, self._projection.name).position)
        return transaction

    def _catch_up(self, end: int) -> None:
        """Replay up to a position, a transaction per batch."""
        while self._hold.position < end:
            rows = self._host.storage.read(ALL_EVENTS, after=self._hold.position, before=end + 1, limit=BATCH)
            position = rows[-1][0] if len(rows) == BATCH else end
            with self._host.transaction() as transaction:
                apply_rows(self._host, self._projection, self._model, transaction, self.place, rows)
                moved = self._hold.advance(transaction.state, position)
            self._hold.consumer = moved
            self.events += len(rows)
            self._progress(self.events, max(end, self.events))

    def _catch_up_inside(self, transaction: Transaction, end: int) -> None:
        """Replay the little that is left while nobody can write."""
        for rows in scan(transaction, ALL_EVENTS, after=self._hold.position, before=end + 1, size=BATCH):
            apply_rows(self._host, self._projection, self._model, transaction, self.place, rows)
            self.events += len(rows)
        self._hold.consumer = self._hold.advance(transaction.state, max(end, self._hold.position))
