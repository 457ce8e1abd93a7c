"""How long jobs take of late, and what follows from it."""

from __future__ import annotations

#: Seconds for which jobs that are done wait for others that are about to be, so that one commit stores them together.
COMPANY = 0.001

#: Jobs are claimed ahead that are to be begun within so many seconds.
_HORIZON = 0.005

#: Jobs that are claimed ahead at most, so that one transaction stays a matter of milliseconds.
_MOST = 256

#: A job counts for one of so many.
_MEMORY = 16

#: What a job is taken to need as long as nothing is known, in seconds.
_UNKNOWN = 1.0


class Pace:
    """A mean that forgets. `most` bounds what is claimed ahead of `size` workers."""

    def __init__(self, most: int, size: int) -> None:
        self._most = min(most, _MOST)
        self._size = size
        self._seconds = _UNKNOWN

    def note(self, seconds: float) -> None:
        """A job took so long.

        One that took much longer than the others counts for little: its thread may have waited for another one's.
        """
        self._seconds += (min(seconds, 2 * self._seconds) - self._seconds) / _MEMORY

    def forget(self) -> None:
        """It does not hold any more."""
        self._seconds = _UNKNOWN

    @property
    def is_quick(self) -> bool:
        """Whether what runs is over in a moment."""
        return self._seconds < COMPANY

    @property
    def ahead(self) -> int:
        """How many jobs to claim ahead; none at all unless every worker has one."""
        each = int(_HORIZON / max(self._seconds, 1e-6))
        return min(self._most, each * self._size)
