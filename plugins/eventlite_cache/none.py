"""The `none` cache: keeps nothing, so that every answer comes from the store."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from eventlite import EventLiteError, hookimpl
from eventlite.contracts import Cache, CacheStats

CONTRACT = 1


class Settings(BaseModel):
    """`[caching] plugin = "none"`: there is nothing to set."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoCache:
    """Has nothing and keeps nothing; counts nothing either."""

    def get(self, key: str) -> Any | None:  # noqa: ARG002
        return None

    def put(self, key: str, value: Any) -> None:
        if value is None:
            raise EventLiteError(f"None cannot be cached (key {key!r}): it stands for a value that is not there")

    def invalidate(self, key: str) -> None:
        pass

    def clear(self) -> None:
        pass

    def stats(self) -> CacheStats:
        return CacheStats(hits=0, misses=0, hit_rate=0.0, size=0, max_size=0, ttl=0.0, evictions=0)


@hookimpl
def eventlite_make_cache(settings: Settings) -> Cache | None:  # noqa: ARG001
    """Make the cache."""
    return NoCache()
