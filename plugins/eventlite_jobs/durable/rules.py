"""When a recurring job is due next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from eventlite import JobError
from eventlite_jobs.checks import MAX_DELAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Rule(Protocol):
    """Says when; times in microseconds since the epoch."""

    @property
    def text(self) -> str:
        """The rule in words, by which it is told from another."""

    def first(self, now: int) -> int:
        """The first time, for a rule that is new."""

    def following(self, planned: int, now: int) -> int:
        """The first time after `now`, when the last one was planned for `planned`."""

    def sane(self, planned: int, now: int) -> bool:
        """Whether a planned time can stand; not when the clock was set back so far that the wait would be too long."""


@dataclass(frozen=True, slots=True)
class Every:
    """So many microseconds apart, counted from the first time."""

    interval: int

    @property
    def text(self) -> str:
        return f"every {timedelta(microseconds=self.interval)}"

    def first(self, now: int) -> int:
        return now + self.interval

    def following(self, planned: int, now: int) -> int:
        return planned + ((now - planned) // self.interval + 1) * self.interval

    def sane(self, planned: int, now: int) -> bool:
        return planned <= now + self.interval


@dataclass(frozen=True, slots=True)
class Cron:
    """The times of a cron expression in a time zone.

    When clocks are put forward, times that are left out are due right after; when they are put back, a fixed time is
    due once, and every hour or minute goes on as time does: as Debian's cron does it.
    """

    expression: str
    zone: ZoneInfo

    @property
    def text(self) -> str:
        return f"{self.expression} ({self.zone.key})"

    def first(self, now: int) -> int:
        local = (_EPOCH + timedelta(microseconds=now)).astimezone(self.zone)
        return (next(CronSim(self.expression, local)).astimezone(UTC) - _EPOCH) // _MICROSECOND

    def following(self, planned: int, now: int) -> int:
        return self.first(max(planned, now))

    def sane(self, planned: int, now: int) -> bool:  # noqa: ARG002 - a time on the wall comes once
        return True


def every_rule(every: object) -> Every:
    """The rule of an interval, in seconds or as a timedelta."""
    seconds = every.total_seconds() if isinstance(every, timedelta) else every
    if type(seconds) not in (int, float) or not 0.001 <= seconds <= MAX_DELAY:  # type: ignore[operator]
        raise JobError(f"every must be seconds from 0.001 on, or a timedelta, not {every!r}")
    return Every(round(seconds * 1_000_000))  # type: ignore[operator]


def cron_rule(expression: object, timezone: object, now: int) -> Cron:
    """The rule of a cron expression of five fields (six with seconds first)."""
    try:
        rule = Cron(" ".join(str(expression).split()), ZoneInfo(str(timezone)))
        rule.first(now)
    except CronSimError as error:
        raise JobError(
            f"{expression!r} is no cron expression: {error}",
            hint='Minute, hour, day, month, weekday: "30 6 * * MON-FRI" is 6:30 on working days.',
        ) from None
    except StopIteration:
        raise JobError(f"the cron expression {expression!r} never comes true") from None
    except (KeyError, ValueError, OSError):
        raise JobError(f"there is no time zone {timezone!r}", hint='Such as "UTC" or "Europe/Berlin".') from None
    return rule
