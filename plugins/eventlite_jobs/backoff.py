"""How long a failed job waits before its next attempt."""

from __future__ import annotations

from random import uniform

#: Seconds between the first attempt and the second; every further wait is twice the one before.
RETRY_DELAY = 1.0

#: The longest wait between two attempts, in seconds.
MAX_RETRY_DELAY = 3600.0

_MAX_DOUBLINGS = 12  # 2^12 seconds is beyond the longest wait; more would leave the range of a float


def retry_delay(attempt: int) -> float:
    """Seconds to wait after that attempt failed (1 is the first): half of the doubled delay, and up to as much again.

    The random half keeps jobs that failed together from coming back together.
    """
    longest = min(RETRY_DELAY * 2 ** min(attempt - 1, _MAX_DOUBLINGS), MAX_RETRY_DELAY)
    return uniform(longest / 2, longest)  # noqa: S311 - no secret
