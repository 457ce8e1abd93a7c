"""How long jobs take of late, and what follows from it."""

from __future__ import annotations

#: Seconds for which jobs that are done wait for others that are about to be, so that one commit stores them together.
COMPANY = 0.001

#: Jobs are claimed ahead that are to be begun within so many seconds.
_HORIZON = 0.005

#: Jobs that are claimed ahead at most, so that one transaction stays a matter of milliseconds.
_MOST = 256

#: Of so many jobs the pace is the mean; before it is not known, and later each one counts for that part of it.
_MEMORY = 16


class Pace:
    """A mean that forgets. `most` bounds what is claimed ahead of `size` workers."""

    def __init__(self, most: int, size: int) -> None:
        self._most = min(most, _MOST)
        self._size = size
        self.forget()

    def forget(self) -> None:
        """What was known does not hold any more."""
        self._jobs = 0
        self._seconds = 0.0

    def note(self, seconds: float) -> None:
        """A job took so long.

        One that took much longer than the others counts for little: its thread may have waited for another one's.
        """
        counted = min(seconds, 2 * self._seconds + 1e-6) if self._is_known else seconds
        self._jobs = min(self._jobs + 1, _MEMORY)
        self._seconds += (counted - self._seconds) / self._jobs

    @property
    def is_quick(self) -> bool:
        """Whether what runs is over in a moment."""
        return self._is_known and self._seconds < COMPANY

    @property
    def ahead(self) -> int:
        """How many jobs to claim ahead; none at all unless every worker has one."""
        each = int(_HORIZON / max(self._seconds, 1e-6)) if self._is_known else 0
        return min(self._most, each * self._size)

    @property
    def _is_known(self) -> bool:
        return self._jobs == _MEMORY
