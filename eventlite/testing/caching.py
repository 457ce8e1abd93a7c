"""The contract of a cache, as tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ClassVar

import pytest

from eventlite.contracts import Cache, CacheStats
from eventlite.errors import EventLiteError
from eventlite.event import Row
from eventlite.testing.capabilities import left_out

_ROW: Row = (7, 1, 1_700_000_000_000_000, "alice", "", "placed", '{"n":1}', "c-1", None, "{}", "[]", None, 42)


class Clock:
    """A timer that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class CacheContract:
    """Subclass it, name the plugin in `covers`, and make the cache:

    class TestMyCache(CacheContract):
        covers = "caching:mine"

        def make_cache(self, max_size, ttl, timer):
            return MyCache(max_size, ttl, timer)

    A cache that keeps nothing says so with `stats().max_size == 0`. One that cannot be given a timer sets
    `takes_timer = False`, one that does not forget what was used least recently first `least_recently_used = False`.
    """

    covers: ClassVar[str]
    takes_timer: ClassVar[bool] = True
    least_recently_used: ClassVar[bool] = True

    def make_cache(self, max_size: int, ttl: float, timer: Callable[[], float]) -> Cache:
        """A new cache for `max_size` values, each kept for `ttl` seconds of `timer`."""
        raise NotImplementedError("define make_cache(max_size, ttl, timer)")

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def any_cache(self, clock: Clock) -> Cache:
        """A cache for 3 values and 60 seconds, whether it keeps any or not."""
        return self.make_cache(3, 60.0, clock)

    @pytest.fixture
    def cache(self, any_cache: Cache) -> Cache:
        """The same, for what only a cache that keeps something can do."""
        if any_cache.stats().max_size == 0:
            left_out("keeps values")
        return any_cache

    def test_a_new_cache_is_empty(self, any_cache: Cache) -> None:
        assert any_cache.get("event:1") is None
        assert any_cache.stats().size == 0

    def test_every_call_is_fine_on_an_empty_cache(self, any_cache: Cache) -> None:
        any_cache.invalidate("event:1")
        any_cache.clear()
        assert any_cache.stats().size == 0

    def test_nothing_asked_is_a_hit_rate_of_zero(self, any_cache: Cache) -> None:
        assert any_cache.stats().hit_rate == 0.0

    def test_none_is_refused(self, any_cache: Cache) -> None:
        with pytest.raises(EventLiteError, match="event:1"):
            any_cache.put("event:1", None)
        assert any_cache.stats().size == 0

    def test_a_cache_either_keeps_values_or_says_that_it_does_not(self, any_cache: Cache) -> None:
        any_cache.put("event:7", _ROW)
        assert any_cache.get("event:7") == (_ROW if any_cache.stats().max_size else None)

    def test_the_size_never_exceeds_the_bound(self, any_cache: Cache) -> None:
        for number in range(20):
            any_cache.put(f"event:{number}", _ROW)
            assert any_cache.stats().size <= any_cache.stats().max_size

    def test_threads_neither_break_the_bound_nor_the_counters(self, clock: Clock) -> None:
        cache = self.make_cache(16, 60.0, clock)
        asked = _hammer(cache, threads=16, rounds=300)
        stats = cache.stats()
        assert stats.hits + stats.misses == (asked if stats.max_size else 0)

    def test_stats_say_how_it_was_made(self, cache: Cache) -> None:
        stats = cache.stats()
        assert (stats.max_size, stats.ttl) == (3, 60.0)

    @pytest.mark.parametrize("value", [_ROW, (_ROW, _ROW), 2**53 - 1, 0, (), "", "Zoë 🎉"], ids=repr)
    def test_a_value_comes_back_equal(self, cache: Cache, value: object) -> None:
        cache.put("event:7", value)
        assert cache.get("event:7") == value
        assert type(cache.get("event:7")) is type(value)

    def test_a_later_value_replaces_the_earlier(self, cache: Cache) -> None:
        cache.put("head", 1)
        cache.put("head", 2)
        assert cache.get("head") == 2
        assert cache.stats().size == 1

    @pytest.mark.parametrize(
        "keys", [("1", "01"), ("a", "A"), ("a", "a "), ("a:b", "a", "b"), ("é", "e\u0301"), ("k", "k\0")], ids=ascii
    )
    def test_keys_that_look_alike_are_separate(self, cache: Cache, keys: tuple[str, ...]) -> None:
        for key in keys:
            cache.put(key, f"value of {key}")
        assert [cache.get(key) for key in keys] == [f"value of {key}" for key in keys]

    @pytest.mark.parametrize("key", ["", "k" * 10_000, "🎉\n"], ids=["empty", "long", "odd"])
    def test_any_text_is_a_key(self, cache: Cache, key: str) -> None:
        cache.put(key, 1)
        assert cache.get(key) == 1

    def test_invalidate_forgets_one_key(self, cache: Cache) -> None:
        cache.put("event:1", 1)
        cache.put("event:2", 2)
        cache.invalidate("event:1")
        assert (cache.get("event:1"), cache.get("event:2")) == (None, 2)

    def test_clear_forgets_everything_and_the_counters(self, cache: Cache) -> None:
        for number in range(5):
            cache.put(f"event:{number}", number)
        cache.get("event:4")
        cache.get("event:0")
        cache.clear()
        stats = cache.stats()
        assert stats == CacheStats(0, 0, 0.0, 0, stats.max_size, stats.ttl, 0)
        assert cache.get("event:4") is None

    def test_a_cleared_cache_works_on(self, cache: Cache) -> None:
        cache.clear()
        cache.put("event:1", 1)
        assert cache.get("event:1") == 1

    def test_hits_and_misses_are_counted(self, cache: Cache) -> None:
        cache.put("event:1", 1)
        for key in ("event:1", "event:1", "event:1", "event:2"):
            cache.get(key)
        stats = cache.stats()
        assert (stats.hits, stats.misses, stats.hit_rate) == (3, 1, 0.75)

    def test_what_makes_room_is_counted_as_evicted(self, cache: Cache) -> None:
        for number in range(5):
            cache.put(f"event:{number}", number)
        stats = cache.stats()
        assert (stats.size, stats.evictions) == (3, 2)

    def test_replacing_and_invalidating_are_not_evictions(self, cache: Cache) -> None:
        for number in (1, 2, 3, 1, 2, 3):
            cache.put(f"event:{number}", number)
        cache.invalidate("event:1")
        cache.put("event:4", 4)
        assert cache.stats().evictions == 0

    def test_what_was_used_least_recently_goes_first(self, cache: Cache) -> None:
        if not self.least_recently_used:
            left_out("least recently used first")
        for key in ("a", "b", "c"):
            cache.put(key, key)
        cache.get("a")
        cache.put("b", "b again")
        cache.put("d", "d")
        assert [cache.get(key) for key in ("a", "b", "c", "d")] == ["a", "b again", None, "d"]

    def test_a_value_is_forgotten_when_its_time_is_over(self, cache: Cache, clock: Clock) -> None:
        self._needs_timer()
        cache.put("event:1", 1)
        clock.seconds += 59
        assert cache.get("event:1") == 1
        clock.seconds += 2
        assert cache.get("event:1") is None

    def test_reading_does_not_lengthen_the_time(self, cache: Cache, clock: Clock) -> None:
        self._needs_timer()
        cache.put("event:1", 1)
        for _ in range(3):
            clock.seconds += 25
            found = cache.get("event:1")
        assert found is None

    def test_putting_again_starts_the_time_anew(self, cache: Cache, clock: Clock) -> None:
        self._needs_timer()
        cache.put("event:1", 1)
        clock.seconds += 59
        cache.put("event:1", 2)
        clock.seconds += 59
        assert cache.get("event:1") == 2

    def test_what_has_expired_neither_has_a_size_nor_counts_as_evicted(self, cache: Cache, clock: Clock) -> None:
        self._needs_timer()
        for number in range(3):
            cache.put(f"event:{number}", number)
        clock.seconds += 61
        assert cache.stats().size == 0
        cache.put("event:4", 4)
        stats = cache.stats()
        assert (stats.size, stats.evictions) == (1, 0)

    def _needs_timer(self) -> None:
        if not self.takes_timer:
            left_out("takes a timer")


def _hammer(cache: Cache, *, threads: int, rounds: int) -> int:
    """Use the cache from many threads at once; returns how often it was asked."""
    start = Barrier(threads)

    def use(thread: int) -> None:
        start.wait(timeout=30)
        for number in range(rounds):
            key = f"event:{(thread * 7 + number) % 40}"
            found = cache.get(key)
            assert found is None or found == (key, _ROW)
            cache.put(key, (key, _ROW))
            stats = cache.stats()
            assert stats.size <= stats.max_size
            if number % 50 == 0:
                cache.invalidate(key)

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(use, thread) for thread in range(threads)]:
            done.result(timeout=60)
    return threads * rounds
