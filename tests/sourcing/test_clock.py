"""The clock that tests move by hand."""

from __future__ import annotations

import datetime as dt

from eventlite import Kernel
from eventlite.testing import ManualClock


def test_events_are_recorded_at_the_time_of_a_clock_that_is_moved_by_hand() -> None:
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        kernel.clock = clock = ManualClock(dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
        first = kernel.append("a")
        clock.advance(0.5)
        second = kernel.append("a")
        clock.set(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        third = kernel.append("a")
    assert first.datetime == dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    assert (second.datetime - first.datetime).total_seconds() == 0.5
    assert third.datetime == dt.datetime(2020, 1, 1, tzinfo=dt.UTC) == clock.now
