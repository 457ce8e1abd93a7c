"""A cache of the values used last, each for a limited time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from eventlite import EventLiteError, hookimpl
from eventlite.contracts import CacheStats

CONTRACT = 1


class Settings(BaseModel):
    """`[caching] plugin = "acme"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size: int = Field(default=500, gt=0, description="How many values are kept at most.")
    ttl: float = Field(default=60.0, gt=0, description="How long a value is kept at most, in seconds.")


class AcmeCache:
    """Values and the times they were put, the one used longest ago first."""

    def __init__(self, max_size: int, ttl: float, timer: Callable[[], float] = time.monotonic) -> None:
        self._max_size = max_size
        self._ttl = ttl
        self._timer = timer
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[float, Any]] = OrderedDict()
        self._hits = self._misses = self._evictions = 0

    def get(self, key: str) -> Any | None:
        with self._lock:
            self._expire()
            if key not in self._values:
                self._misses += 1
                return None
            self._hits += 1
            self._values.move_to_end(key)
            return self._values[key][1]

    def put(self, key: str, value: Any) -> None:
        if value is None:
            raise EventLiteError(f"None cannot be cached (key {key!r})")
        with self._lock:
            self._expire()
            self._values.pop(key, None)
            if len(self._values) == self._max_size:
                self._values.popitem(last=False)
                self._evictions += 1
            self._values[key] = (self._timer(), value)

    def invalidate(self, key: str) -> None:
        with self._lock:
            self._values.pop(key, None)

    def clear(self) -> None:
        with self._lock:
            self._values.clear()
            self._hits = self._misses = self._evictions = 0

    def stats(self) -> CacheStats:
        with self._lock:
            self._expire()
            asked = self._hits + self._misses
            return CacheStats(
                hits=self._hits,
                misses=self._misses,
                hit_rate=self._hits / asked if asked else 0.0,
                size=len(self._values),
                max_size=self._max_size,
                ttl=self._ttl,
                evictions=self._evictions,
            )

    def _expire(self) -> None:
        oldest = self._timer() - self._ttl
        for key in [key for key, (put, _) in self._values.items() if put <= oldest]:
            del self._values[key]


@hookimpl
def eventlite_make_cache(settings: Settings) -> AcmeCache:
    """Make the cache."""
    return AcmeCache(settings.max_size, settings.ttl)
