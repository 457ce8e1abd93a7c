"""Recurring jobs: each occurrence is enqueued once, by whichever process comes first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from eventlite import JobError
from eventlite.contracts import ScheduleInfo
from eventlite_jobs.durable.desk import Desk
from eventlite_jobs.durable.enqueueing import insert
from eventlite_jobs.durable.orders import Order
from eventlite_jobs.durable.rules import Rule
from eventlite_jobs.durable.session import Session

_LIST = "SELECT name, job, rule, next, last FROM @job_schedule ORDER BY name"
_GET = "SELECT rule, next FROM @job_schedule WHERE name = ?"
_ADD = "INSERT INTO @job_schedule (name, job, rule, next) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_CHANGE = "UPDATE @job_schedule SET job = ?, rule = ?, next = ? WHERE name = ?"
_MOVE = "UPDATE @job_schedule SET next = ?, last = ? WHERE name = ? AND next = ?"
_PLAN = "UPDATE @job_schedule SET next = ? WHERE name = ? AND next = ?"
_REMOVE = "DELETE FROM @job_schedule WHERE name = ?"


@dataclass(slots=True)
class Schedule:
    """A recurring job of this program; `next` is when the store has to be asked again."""

    name: str
    order: Order
    rule: Rule
    next: int = 0


class Schedules:
    """Those that this program registered; the store knows those of all."""

    def __init__(self, desk: Desk, wake: Callable[[], None]) -> None:
        self._desk = desk
        self._wake = wake
        self._lock = threading.Lock()
        self._schedules: dict[str, Schedule] = {}

    def add(self, schedule: Schedule) -> None:
        """Register it; its next time stays as it is planned unless the rule is another one."""
        with self._lock:
            if schedule.name in self._schedules:
                raise JobError(
                    f"there is a recurring job named {schedule.name!r} already", hint="Give each a `name` of its own."
                )
            schedule.next = self._planned(schedule)
            self._schedules[schedule.name] = schedule

    def fire(self) -> int:
        """Enqueue what is due; how many jobs that were."""
        if not self._schedules:
            return 0
        now = self._desk.now()
        with self._lock:
            return sum(self._fire(one, now) for one in list(self._schedules.values()) if self._is_due(one, now))

    def planned(self) -> int | None:
        """When the next occurrence is due; None without any."""
        return min((one.next for one in tuple(self._schedules.values())), default=None)

    def list(self) -> list[ScheduleInfo]:
        """All that the store knows."""
        with self._desk.database.reading() as session:
            return [] if session is None else [ScheduleInfo(*row) for row in session.rows(_LIST)]

    def remove(self, name: str) -> bool:
        """Forget one; whether there was one."""
        with self._lock, self._desk.database.writing() as session:
            self._schedules.pop(name, None)
            return session.run(_REMOVE, (name,)) > 0

    def _planned(self, schedule: Schedule) -> int:
        rule = schedule.rule.text
        with self._desk.database.reading() as session:
            found = session and session.row(_GET, (schedule.name,))
        if found and found[0] == rule:
            return int(found[1])
        first = schedule.rule.first(self._desk.now())
        with self._desk.database.writing() as session:
            if not session.run(_ADD, (schedule.name, schedule.order.name, rule, first)):
                session.run(_CHANGE, (schedule.order.name, rule, first, schedule.name))
        return first

    @staticmethod
    def _is_due(schedule: Schedule, now: int) -> bool:
        return schedule.next <= now or not schedule.rule.sane(schedule.next, now)

    def _fire(self, schedule: Schedule, now: int) -> int:
        with self._desk.database.writing() as session:
            fired = self._fire_inside(session, schedule, now)
        if fired:
            self._wake()
        return fired

    def _fire_inside(self, session: Session, schedule: Schedule, now: int) -> int:
        found = session.row(_GET, (schedule.name,))
        if found is None or found[0] != schedule.rule.text:  # removed or changed by another program: it is theirs
            del self._schedules[schedule.name]
            return 0
        planned = found[1]
        if planned > now:
            if not schedule.rule.sane(planned, now):
                planned = schedule.rule.first(now)
                session.run(_PLAN, (planned, schedule.name, found[1]))
            schedule.next = planned
            return 0
        schedule.next = schedule.rule.following(planned, now)
        if not session.run(_MOVE, (schedule.next, now, schedule.name, planned)):
            return 0
        insert(session, schedule.order, now)
        return 1
