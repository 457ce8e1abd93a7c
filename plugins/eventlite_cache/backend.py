"""A dogpile backend with a bound: the values that were used last, each for a limited time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any

from cachetools import TTLCache
from dogpile.cache.api import NO_VALUE, BackendFormatted, BackendSetType, CacheBackend

from eventlite.contracts import CacheStats


class BoundedBackend(CacheBackend):
    """Keeps values in this process, pickling nothing.

    Arguments: `max_size` (values), `ttl` (seconds), `timer` (a function that returns seconds and never goes back).
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self._kept = _Kept(arguments["max_size"], arguments["ttl"], arguments["timer"])
        self._lock = Lock()
        self._hits = 0
        self._misses = 0

    def get(self, key: str) -> BackendFormatted:
        with self._lock:
            try:
                value: BackendFormatted = self._kept[key]
            except KeyError:
                self._misses += 1
                return NO_VALUE
            self._hits += 1
            return value

    def set(self, key: str, value: BackendSetType) -> None:
        with self._lock:
            self._kept[key] = value

    def delete(self, key: str) -> None:
        with self._lock:
            self._kept.pop(key, None)

    def get_multi(self, keys: Iterable[str]) -> list[BackendFormatted]:
        return [self.get(key) for key in keys]

    def set_multi(self, mapping: Mapping[str, BackendSetType]) -> None:
        for key, value in mapping.items():
            self.set(key, value)

    def delete_multi(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.delete(key)

    def clear(self) -> None:
        """Forget every value, and start counting anew."""
        with self._lock:
            self._kept.clear()
            self._hits = self._misses = self._kept.evictions = 0

    def stats(self) -> CacheStats:
        """The counters, all as of one moment; values whose time is over are not part of `size`."""
        with self._lock:
            hits, misses = self._hits, self._misses
            return CacheStats(
                hits=hits,
                misses=misses,
                hit_rate=hits / (hits + misses) if hits else 0.0,
                size=len(self._kept),
                max_size=int(self._kept.maxsize),
                ttl=self._kept.ttl,
                evictions=self._kept.evictions,
            )


class _Kept(TTLCache[str, Any]):
    """Counts what had to make room for something else; a value whose time is over is not counted."""

    evictions = 0

    def popitem(self) -> tuple[str, Any]:
        self.evictions += 1
        return super().popitem()
