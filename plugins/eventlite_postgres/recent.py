"""What was asked a moment ago, where the profile allows an answer to be that old."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from cachetools import TTLCache

from eventlite_postgres.news import News

#: Answers kept.
_MOST = 1000


class Recent:
    """Positions, for so many seconds; never older than the last append of this process."""

    def __init__(self, news: News, seconds: float) -> None:
        self._news = news
        self._lock = threading.Lock()
        self._kept: TTLCache[Hashable, int] | None = TTLCache(_MOST, seconds) if seconds else None

    def position(self, question: Hashable, ask: Callable[[], int]) -> int:
        """The answer to a question, asked now unless it was a moment ago."""
        if self._kept is None:
            return ask()
        key = (self._news.count, question)  # counted before it is asked: an append meanwhile makes it another question
        with self._lock:
            kept = self._kept.get(key)
        if kept is None:
            kept = ask()
            with self._lock:
                self._kept[key] = kept
        return kept
