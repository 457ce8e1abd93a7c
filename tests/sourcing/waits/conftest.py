"""A kernel with a clock that stands still."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite import Event, NewEvent
from eventlite.testing import ManualClock


class Shop:
    """A kernel with what the tests ask of it again and again."""

    def __init__(self, kernel: Any, clock: ManualClock) -> None:
        self.kernel = kernel
        self.clock = clock
        #: The synchronous kernel below either kind.
        self.sync = getattr(kernel, "kernel", kernel)
        self.sync.clock = clock

    def happen(self, *cmds: str, **fields: Any) -> list[Event]:
        """Append events, and have the waits evaluated."""
        events: list[Event] = self.kernel.append_many([NewEvent(cmd, **fields) for cmd in cmds])
        self.kernel.run_until_idle()
        return events

    def events(self, cmd: str) -> list[Event]:
        """All events of a command."""
        return [event for event in self.kernel.read() if event.cmd == cmd]

    def state(self, wait: Any) -> str:
        """The state that a wait is in by now."""
        return str(self.kernel.waits.get(wait.id).state)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def shop(kernel: Any, clock: ManualClock) -> Shop:
    return Shop(kernel, clock)
