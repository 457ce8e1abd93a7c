"""Claims jobs, has them run, and stores what became of them: one thread that decides, executors that work."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf

from eventlite import EventLiteError, StorageError, StoreClosedError
from eventlite_jobs.durable import claiming, upkeep
from eventlite_jobs.durable.attempt import Attempt
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.endings import Report, raised
from eventlite_jobs.durable.feed import Feed
from eventlite_jobs.durable.floor import Floor
from eventlite_jobs.durable.gathering import Gathering
from eventlite_jobs.durable.history import Pruner
from eventlite_jobs.durable.pace import Pace
from eventlite_jobs.durable.reporting import store
from eventlite_jobs.durable.rows import Claim
from eventlite_jobs.durable.settling import Outcome

_log = logging.getLogger("eventlite.jobs")

#: The longest pause after the store could not be written, in seconds.
_LONGEST_PAUSE = 1.0

#: Seconds after which it is stored that a job which was claimed ahead runs.
_BEGUN = 0.005


class Crew:
    """Runs the jobs of some queues, `size` at once; used once, by one thread.

    What was finished and what is begun next are one transaction. While jobs take milliseconds, some more are claimed
    ahead of it. `wake`, `drain` and `stop_now` may be called from any thread, and from a signal handler; `cancel` and
    `give_back` from any thread.
    """

    def __init__(self, desk: Desk, pruner: Pruner, size: int, queues: Sequence[str] | None = None) -> None:
        self._desk = desk
        self._pruner = pruner
        self._size = size
        self._queues = queues
        self._floor = Floor()
        self._upkeep = upkeep.Upkeep(desk, self._floor)
        self._pace = Pace(desk.settings.ahead * size, size)
        self._gathering = Gathering(self._floor, self._pace, size, self.drain)
        #: What was claimed, when, and is not on the floor yet.
        self._taken: list[Claim] = []
        self._moment = 0
        self._claiming = True
        self._stop_now = False
        #: Whether others may have told of jobs, and did not repeat it a moment later.
        self._woken = False
        #: When jobs are due that are not there yet, in microseconds since the epoch.
        self._next: int | None = None
        self.attempts = 0

    # --- from elsewhere

    def wake(self) -> None:
        """There may be something to do."""
        self._woken = True
        self._floor.ring()

    def drain(self) -> None:
        """Begin no more jobs."""
        self._claiming = self._floor.open = False
        self.wake()

    def stop_now(self) -> None:
        """Put the running jobs back."""
        self._stop_now = True
        self.drain()

    def cancel(self, id: str) -> None:
        """Ask the handler of a running job to stop."""
        for attempt in self._floor.all():
            if attempt.id == id:
                upkeep.cancel(self._floor, attempt)

    def give_back(self, chosen: Callable[[Claim], bool]) -> None:
        """Put jobs back that were claimed ahead: they should wait, or others go before them."""
        if self._floor.waiting:
            self._floor.withdraw(Outcome("released"), lambda attempt: chosen(attempt.claim))

    # --- the two ways to run

    def until_idle(self) -> int:
        """Run jobs until none is due; how many attempts ran."""
        try:
            self._turn()
            while self._floor.all() or self._gathering.finished:
                self._gathering.gather(self._upkeep.patience())
                self._look_after()
                self._turn()
        finally:
            self._leave()
        return self._end()

    def until(self, stop: threading.Event, feed: Feed, longest: float, grace: float | None) -> int:
        """Run jobs, and follow the feed, until `stop` is set; then finish what runs within `grace` seconds.

        Looks for jobs of others every `longest` seconds at least.
        """
        try:
            self._work(stop, feed, longest)
            self.drain()
            self._finish(None if grace is None else time.monotonic() + grace)
        finally:
            self._leave()
        return self._end()

    def _work(self, stop: threading.Event, feed: Feed, longest: float) -> None:
        shortest = self._desk.settings.poll_shortest
        pause, trouble = shortest, 0.05
        while self._claiming and not stop.is_set():
            try:
                self._woken = False
                busy = feed.follow() + self._turn()
                self._look_after()
                self._pruner.prune_now_and_then()
                trouble = 0.05
            except StoreClosedError:
                raise
            except StorageError as error:  # what is finished is kept until it can be stored
                _log.warning("jobs wait %s seconds for the store: %s", trouble, error)
                time.sleep(trouble)  # not `stop.wait`: a signal handler that sets it then would wait for itself
                trouble = min(2 * trouble, _LONGEST_PAUSE)
                continue
            seconds = min(pause, self._upkeep.patience(), self._until_next(feed.planned()))
            self._gathering.gather_until(stop, seconds)
            pause = shortest if busy or self._woken else min(2 * pause, longest)

    def _look_after(self) -> None:
        self._gathering.finished += self._upkeep.look()
        if self._floor.is_stale or not self._claiming:
            self._pace.forget()
            self._floor.withdraw(Outcome("released"))

    def _until_next(self, planned: int | None) -> float:
        """Seconds until the next delayed or planned job is due; hardly any for one that came due during the turn."""
        moments = [moment for moment in (planned, self._next) if moment is not None]
        return max(0.001, (min(moments) - self._desk.now()) / 1_000_000) if moments else inf

    def _finish(self, deadline: float | None) -> None:
        self._turn_in()
        while self._floor.running and not self._stop_now and (deadline is None or time.monotonic() < deadline):
            self._gathering.gather(min(0.05, self._upkeep.patience()))
            self._look_after()
            self._turn()
        self._drop_all()
        self._turn()

    def _turn_in(self) -> None:
        """Give back what waits."""
        self._floor.withdraw(Outcome("released"))
        self._gathering.gather(0)

    def _drop_all(self) -> None:
        self._turn_in()
        for attempt in list(self._floor.running):
            self._gathering.finished.append(self._floor.drop(attempt, "released", Outcome("released")))

    def _drop_taken(self) -> None:
        """Give back what an interruption has kept from being begun, if it was claimed: that is no attempt."""
        known = {report.attempt.claim.id for report in self._gathering.finished}
        taken = [claim._replace(started=None) for claim in self._taken if claim.id not in known]
        if not taken:
            return
        with suppress(EventLiteError), self._desk.database.reading() as session:
            held = [] if session is None else claiming.held(session, taken, self._moment)
            self._gathering.finished += [
                Report(Attempt(claim, None, self._desk), Outcome("released")) for claim in held
            ]

    def _end(self) -> int:
        self._pruner.prune_if_due()
        if self._gathering.interrupt is not None:
            raise self._gathering.interrupt
        return self.attempts

    def _leave(self) -> None:
        """However it ends, nobody else should have to wait for a lease."""
        self.drain()
        self._drop_all()
        self._drop_taken()
        if self._gathering.finished:
            with suppress(EventLiteError):
                self._turn()
            self._desk.roster.remove(report.attempt.id for report in self._gathering.finished)
        self._floor.close()

    # --- one turn: store what is finished, take what is next

    def _turn(self) -> int:
        """How many jobs were finished or begun."""
        self._next = None
        free, ahead = self._room()
        begun = [attempt for attempt in list(self._floor.running) if _is_unmarked(attempt)]
        if not self._gathering.finished and not begun and not (free and self._anything()):
            return 0
        reports, claims, spare, now = self._gathering.finished, list[Claim](), list[Claim](), self._desk.now()
        with self._desk.database.writing() as session:
            store(session, reports, now)
            for attempt in begun:
                attempt.mark_begun(session)
            if free and not reports:
                claiming.reclaim(session, now, self._desk.known_attempts)
            if free:
                claims = claiming.claim(session, free, self._queues, now, self._desk.lease)
            if ahead and len(claims) == free:
                spare = claiming.claim_ahead(session, ahead, self._queues, now, self._desk.lease)
            self._taken, self._moment = [*claims, *spare], now  # an interruption may hide that this is committed
        self._gathering.finished = []
        self.attempts += sum(report.attempt.was_begun for report in reports)
        self._desk.roster.remove(report.attempt.id for report in reports)
        self._pruner.note(len(reports))
        self._begin(claims, spare)
        self._taken = []
        return len(reports) + len(claims) + len(spare)

    def _room(self) -> tuple[int, int]:
        """How many jobs can be begun, and how many claimed ahead."""
        if not self._claiming:
            return 0, 0
        waiting = self._floor.waiting
        return max(0, self._size - len(self._floor.running) - waiting), max(0, self._pace.ahead - waiting)

    def _anything(self) -> bool:
        now = self._desk.now()
        with self._desk.database.reading() as session:
            found = None if session is None else claiming.next_work(session, now, self._queues)
        if found is not None and found <= now:
            return True
        self._next = found
        return False

    def _begin(self, claims: list[Claim], spare: list[Claim]) -> None:
        if not claims and not spare:
            return
        if not self._floor.running:
            self._upkeep.begin()
        self._desk.roster.add(str(claim.id) for claim in (*claims, *spare))
        for attempt in self._known(claims):
            self._floor.start(attempt)
        self._floor.put(self._known(spare))
        self._floor.fill(self._size)

    def _known(self, claims: list[Claim]) -> list[Attempt]:
        """Attempts at those that somebody works on; the others have failed."""
        attempts = [Attempt(claim, self._desk.workers.get(claim.name), self._desk) for claim in claims]
        for attempt in (one for one in attempts if one.worker is None):
            attempt.begin()
            self._gathering.finished.append(raised(attempt, self._desk.workers.unknown(attempt.name)))
        return [attempt for attempt in attempts if attempt.worker is not None]


def _is_unmarked(attempt: Attempt) -> bool:
    """Whether it was claimed ahead and runs for long enough that this should be known if it is lost."""
    return not attempt.marked and time.monotonic() - attempt.begun > _BEGUN
