"""What is looked after while jobs run: their time, their leases, and whether somebody has cancelled them."""

from __future__ import annotations

import time

from eventlite_jobs.durable import claiming
from eventlite_jobs.durable.attempt import Attempt, timed_out
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.endings import Report, raised
from eventlite_jobs.durable.floor import Floor
from eventlite_jobs.durable.settling import Outcome

#: Seconds between two looks whether a running job was cancelled from elsewhere.
_CANCEL_PAUSE = 0.25

#: The longest time without a look, in seconds: nothing runs.
_LONGEST = 3600.0


class Upkeep:
    """Called now and then by the thread of a crew."""

    def __init__(self, desk: Desk, floor: Floor) -> None:
        self._desk = desk
        self._floor = floor
        self._next_beat = self._next_look = time.monotonic()

    def begin(self) -> None:
        """The first jobs are about to run, with leases that are new."""
        self._next_beat = time.monotonic() + self._desk.settings.lease / 3

    def patience(self) -> float:
        """Seconds until something has to be looked after, whatever is reported."""
        attempts = self._floor.all()
        if not attempts:
            return _LONGEST
        deadlines = [attempt.deadline for attempt in attempts if attempt.deadline is not None]
        return max(0.0, min(*deadlines, self._next_beat, self._next_look, float("inf")) - time.monotonic())

    def look(self) -> list[Report]:
        """Do what it is time for; the attempts that have run too long."""
        moment = time.monotonic()
        if moment >= self._next_beat or moment >= self._next_look:
            attempts = self._floor.all()
            if attempts and moment >= self._next_beat:
                self._next_beat = moment + self._desk.settings.lease / 3
                self._renew(attempts)
            if moment >= self._next_look:
                self._next_look = moment + _CANCEL_PAUSE
                if attempts:
                    self._look_for_cancelled(attempts)
        late = [one for one in list(self._floor.running) if one.deadline is not None and one.deadline <= moment]
        return [self._floor.drop(one, "timeout", raised(one, timed_out(one)).outcome) for one in late]

    def _renew(self, attempts: list[Attempt]) -> None:
        """Hold on to what is ours, and take back what others have lost."""
        claims = {attempt.claim: attempt for attempt in attempts}
        now = self._desk.now()
        with self._desk.database.writing() as session:
            lost = claiming.renew(session, claims, now, self._desk.lease)
            claiming.reclaim(session, now, self._desk.known_attempts)
        for attempt in (claims[claim] for claim in lost):
            if not attempt.settled and not self._floor.leave_out(attempt, Outcome("released")):
                self._floor.ask_to_stop(attempt, "lost")

    def _look_for_cancelled(self, attempts: list[Attempt]) -> None:
        with self._desk.database.reading() as session:
            asked = claiming.cancelling(session) if session is not None else set()
        for attempt in [one for one in attempts if (one.claim.id, one.claim.fence) in asked]:
            cancel(self._floor, attempt)


def cancel(floor: Floor, attempt: Attempt) -> None:
    """Leave it out if it waits; ask its handler to stop if it runs."""
    if not floor.leave_out(attempt, Outcome("cancelled")):
        floor.ask_to_stop(attempt, "cancelled")
