"""A clock that stands still until it is moved."""

from __future__ import annotations

import datetime as dt

from eventlite.event import from_microseconds, to_microseconds

_BEGINNING = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class ManualClock:
    """Tells the same time until `advance` or `set` is called: `kernel.clock = ManualClock()`.

    Calling it gives microseconds since the epoch, as `Kernel.clock` does. Times are aware datetimes.
    """

    def __init__(self, start: dt.datetime = _BEGINNING) -> None:
        self._time = to_microseconds(start)

    def __call__(self) -> int:
        return self._time

    @property
    def now(self) -> dt.datetime:
        """The time it tells, in UTC."""
        return from_microseconds(self._time)

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds, or back if negative, as a clock that is set back does."""
        self._time += round(seconds * 1_000_000)

    def set(self, moment: dt.datetime) -> None:
        """Tell another time from now on."""
        self._time = to_microseconds(moment)
