from __future__ import annotations

from eventlite_acme.cache import AcmeCache

from eventlite.testing import CacheContract


class TestAcmeCache(CacheContract):
    covers = "caching:acme"

    def make_cache(self, max_size, ttl, timer):
        return AcmeCache(max_size, ttl, timer)
