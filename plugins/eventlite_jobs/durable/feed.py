"""What puts jobs in while others run: triggers and schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Feed(NamedTuple):
    """Where jobs come from besides `enqueue`."""

    #: Makes those that there are now; how many.
    follow: Callable[[], int]
    #: When the next ones are planned, in microseconds since the epoch; None if none are.
    planned: Callable[[], int | None]
