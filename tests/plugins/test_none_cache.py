"""The `none` cache keeps the contract of a cache that keeps nothing."""

from __future__ import annotations

import pytest
from eventlite_cache.none import NoCache, Settings, eventlite_make_cache
from pydantic import ValidationError

from eventlite.contracts import Cache, CacheStats
from eventlite.testing import CacheContract


class TestNoCache(CacheContract):
    covers = "caching:none"

    def make_cache(self, max_size, ttl, timer) -> Cache:
        return NoCache()


def test_its_stats_are_zeros_whatever_was_asked():
    cache = eventlite_make_cache(Settings())
    cache.put("event:1", 1)
    cache.get("event:1")
    assert cache.stats() == CacheStats(0, 0, 0.0, 0, 0, 0.0, 0)


def test_it_has_no_settings():
    with pytest.raises(ValidationError, match="max_size"):
        Settings(max_size=10)
