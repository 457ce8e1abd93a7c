"""The `dogpile` cache: a dogpile.cache region over a bounded backend of ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dogpile.cache import make_region, register_backend
from dogpile.cache.api import NO_VALUE
from pydantic import BaseModel, ConfigDict, Field

from eventlite import EventLiteError, hookimpl
from eventlite.contracts import Cache, CacheStats

CONTRACT = 1

_BACKEND = "eventlite.bounded"
register_backend(_BACKEND, "eventlite_cache.backend", "BoundedBackend")  # type: ignore[no-untyped-call]


class Settings(BaseModel):
    """`[caching] plugin = "dogpile"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_size: int = Field(default=1000, gt=0, description="How many answers are kept at most.")
    ttl: float = Field(
        default=300.0, gt=0, allow_inf_nan=False, description="How long an answer is kept at most, in seconds."
    )


class DogpileCache:
    """Keeps the `max_size` values that were used last, each for `ttl` seconds by `timer`."""

    def __init__(self, max_size: int, ttl: float, timer: Callable[[], float] = time.monotonic) -> None:
        arguments = {"max_size": max_size, "ttl": ttl, "timer": timer}
        self._region = make_region("eventlite").configure(_BACKEND, arguments=arguments)

    def get(self, key: str) -> Any | None:
        # The backend itself forgets in time, by a clock that is never set back, so the region need not look at its own.
        value = self._region.get(key, ignore_expiration=True)
        return None if value is NO_VALUE else value

    def put(self, key: str, value: Any) -> None:
        if value is None:
            raise EventLiteError(f"None cannot be cached (key {key!r}): it stands for a value that is not there")
        self._region.set(key, value)

    def invalidate(self, key: str) -> None:
        self._region.delete(key)

    def clear(self) -> None:
        self._region.actual_backend.clear()

    def stats(self) -> CacheStats:
        stats: CacheStats = self._region.actual_backend.stats()
        return stats


@hookimpl
def eventlite_make_cache(settings: Settings) -> Cache | None:
    """Make the cache."""
    return DogpileCache(settings.max_size, settings.ttl)
