"""The `dogpile` cache: the contract, its settings, and a comparison with the simplest cache that does the same."""

from __future__ import annotations

import math
import subprocess
import sys
from collections import OrderedDict

import pytest
from dogpile.cache.api import NO_VALUE
from eventlite_cache.dogpile import DogpileCache, Settings, eventlite_make_cache
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eventlite.contracts import Cache
from eventlite.testing import CacheContract

SIZE, TTL = 3, 10


class TestDogpileCache(CacheContract):
    covers = "caching:dogpile"

    def make_cache(self, max_size, ttl, timer) -> Cache:
        return DogpileCache(max_size, ttl, timer)


class Model:
    """A dict in the order of use, with the time at which each value is over."""

    def __init__(self):
        self.now = 0
        self.kept: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self.evictions = 0

    def get(self, key):
        self._expire()
        if key not in self.kept:
            return None
        self.kept.move_to_end(key)
        return self.kept[key][0]

    def put(self, key, value):
        self._expire()
        if key not in self.kept and len(self.kept) == SIZE:
            self.kept.popitem(last=False)
            self.evictions += 1
        self.kept[key] = (value, self.now + TTL)
        self.kept.move_to_end(key)

    def invalidate(self, key):
        self.kept.pop(key, None)

    def _expire(self):
        for key in [key for key, (_, over) in self.kept.items() if over <= self.now]:
            del self.kept[key]


KEYS = st.sampled_from(["a", "b", "c", "d", "e"])
STEPS = st.one_of(
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("put"), KEYS, st.integers(0, 9)),
    st.tuples(st.just("invalidate"), KEYS),
    st.tuples(st.just("pass"), st.integers(0, TTL)),
)


@given(st.lists(STEPS, max_size=60))
def test_it_answers_as_the_model_does(steps):
    model = Model()
    cache = DogpileCache(SIZE, TTL, lambda: model.now)
    for step, *arguments in steps:
        if step == "pass":
            model.now += arguments[0]
        else:
            assert getattr(cache, step)(*arguments) == getattr(model, step)(*arguments)
    assert cache.stats().evictions == model.evictions


def test_the_value_itself_comes_back_not_a_copy():
    row = ("a", "row")
    cache = DogpileCache(SIZE, TTL)
    cache.put("event:1", row)
    assert cache.get("event:1") is row


def test_caches_share_nothing():
    first, second = DogpileCache(SIZE, TTL), DogpileCache(SIZE, TTL)
    first.put("event:1", 1)
    second.clear()
    assert (first.get("event:1"), second.get("event:1")) == (1, None)


def test_the_backend_is_a_complete_dogpile_backend():
    region = DogpileCache(SIZE, TTL)._region
    region.set_multi({"a": 1, "b": 2})
    region.delete_multi(["a"])
    assert region.get_multi(["a", "b"]) == [NO_VALUE, 2]
    assert region.get_or_create("c", lambda: 3) == 3


def test_the_settings_make_the_cache():
    stats = eventlite_make_cache(Settings(max_size=5, ttl=1.5)).stats()
    assert (stats.max_size, stats.ttl) == (5, 1.5)


def test_the_defaults():
    assert Settings().model_dump() == {"max_size": 1000, "ttl": 300.0}


@pytest.mark.parametrize(
    "section",
    [
        {"max_size": 0},
        {"max_size": 1.5},
        {"ttl": 0},
        {"ttl": -1},
        {"ttl": math.nan},
        {"ttl": math.inf},
        {"x": 1},
    ],
    ids=repr,
)
def test_settings_that_make_no_sense_are_refused(section):
    with pytest.raises(ValidationError, match=next(iter(section))):
        Settings(**section)


def test_nothing_is_pickled():
    program = (
        "import pickle; from eventlite_cache.dogpile import DogpileCache\n"
        "def refuse(*_, **__): raise SystemExit('pickled')\n"
        "for name in ('dump', 'dumps', 'load', 'loads', 'Pickler', 'Unpickler'): setattr(pickle, name, refuse)\n"
        "cache = DogpileCache(3, 10)\n"
        "cache.put('a', (lambda: 0,))\n"  # a function cannot be pickled
        "assert cache.get('a')\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
