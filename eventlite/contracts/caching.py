"""The contract of a cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class CacheStats:
    """Counters since the cache was made or cleared; `ttl` in seconds."""

    hits: int
    misses: int
    hit_rate: float
    size: int
    max_size: int
    ttl: float
    evictions: int


class Cache(Protocol):
    """Keeps what was read; rows and numbers, never Events, never the absence of something. Thread-safe."""

    def get(self, key: str) -> Any | None:
        """What was put under that key, or None."""

    def put(self, key: str, value: Any) -> None:
        """Keep a value (not None) for as long as the policy says."""

    def invalidate(self, key: str) -> None:
        """Forget one key."""

    def clear(self) -> None:
        """Forget everything, the counters too."""

    def stats(self) -> CacheStats:
        """The counters."""
