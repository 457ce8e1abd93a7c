"""A cached answer is the uncached one, whoever appends: this kernel, another one, or another process."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlite import Kernel, Query

CORRELATIONS = ["c-1", "c-2", "c-3"]
COMMANDS = ["placed", "paid", "sent"]
QUERIES = [
    Query(),
    Query(cmd="placed"),
    Query(cmd=["placed", "paid"]),
    Query(cmd="placed") | Query(user="bob"),
    Query(cmd="paid") | Query(user="bob"),
    Query(user="alice"),
    Query(tags=["order:1"]),
    Query(tags=["order:1", "order:2"]),
    Query(data={"n": 1}),
    Query(data={"n": "1"}),
    Query(data={"n": True}),
    Query(causation_id=1),
    Query(correlation_id="c-1"),
]


@contextmanager
def kernels(path, **caching):
    """A kernel that caches and one that does not, over the same file."""
    with (
        Kernel.from_profile("balanced", storage={"path": path}, caching=caching) as cached,
        Kernel.from_profile("balanced", storage={"path": path}, caching={"plugin": "none"}) as plain,
    ):
        yield cached, plain


# --- one step after the other: the answers are equal

appends = st.fixed_dictionaries(
    {
        "cmd": st.sampled_from(["placed", "paid"]),
        "data": st.sampled_from([{}, {"n": 1}, {"n": "1"}, {"n": True}]),
        "user": st.sampled_from(["alice", "bob"]),
        "correlation_id": st.sampled_from(CORRELATIONS),
        "tags": st.sampled_from([[], ["order:1"], ["order:1", "order:2"]]),
    }
)
pages = st.fixed_dictionaries(
    {
        "query": st.sampled_from(QUERIES),
        "limit": st.integers(1, 3),
        "offset": st.integers(0, 2),
        "backwards": st.booleans(),
        "count": st.booleans(),
    }
)
questions = st.one_of(
    st.tuples(st.just("get"), st.integers(1, 6)),
    st.tuples(st.just("by_correlation"), st.sampled_from(CORRELATIONS)),
    st.tuples(st.just("page"), pages),
    st.tuples(st.just("all pages"), pages),
)


@given(
    events=st.lists(st.tuples(st.booleans(), appends), min_size=6, max_size=12),
    asked=st.lists(questions, min_size=3, max_size=6),
    max_size=st.sampled_from([1, 3, 1000]),
)
@settings(max_examples=40, deadline=None)
def test_a_cached_answer_equals_the_uncached_one(events, asked, max_size):
    with (
        tempfile.TemporaryDirectory() as directory,
        kernels(Path(directory) / "events.db", max_size=max_size) as (cached, plain),
    ):
        for by_another, event in events:
            (plain if by_another else cached).append(**event)
            for question in asked:
                assert answer(cached, *question) == answer(plain, *question)


def answer(kernel, ask, value):
    if ask == "all pages":
        return list(all_pages(kernel, value))
    return kernel.page(**value) if ask == "page" else getattr(kernel, ask)(value)


def all_pages(kernel, options):
    cursor = None
    for _ in range(12):  # as many pages as there can be events
        page = kernel.page(**{**options, "offset": 0}, cursor=cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
    raise AssertionError("the pages do not end")


# --- other processes append all the while: no answer is older than what was acknowledged before the question

WRITER = """
import random, sys
from eventlite import Kernel

choose = random.Random(int(sys.argv[2])).choice
commands, correlations = ["placed", "paid", "sent"], ["c-1", "c-2", "c-3"]
with Kernel.from_profile("balanced", storage={"path": sys.argv[1]}) as kernel:
    for line in sys.stdin:
        for _ in range(int(line)):
            event = kernel.append(choose(commands), correlation_id=choose(correlations))
            print(event.id, event.cmd, event.correlation_id, flush=True)
"""
PATIENCE = 60  # seconds until a writer counts as stuck


class Acknowledged(NamedTuple):
    id: int
    cmd: str
    correlation_id: str


class Writer:
    """Another process that appends as many events as it is told, and acknowledges each."""

    def __init__(self, process):
        self.acknowledged: list[Acknowledged] = []
        self.told = 0
        self.process = process
        self.listener = threading.Thread(target=self.listen)
        self.listener.start()

    def listen(self):
        for line in self.process.stdout:
            id, cmd, correlation_id = line.split()
            self.acknowledged.append(Acknowledged(int(id), cmd, correlation_id))

    def tell(self, count):
        self.told += count
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()

    def busy(self):
        assert self.listener.is_alive(), "the writer has died"
        return len(self.acknowledged) < self.told


@contextmanager
def writer(path, seed):
    command = [sys.executable, "-c", WRITER, str(path), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        running = Writer(process)
        try:
            yield running
            process.stdin.close()
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            running.listener.join(PATIENCE)


@pytest.mark.parametrize("max_size", [3, 1000])
def test_no_answer_is_older_than_what_another_process_was_told(tmp_path, max_size):
    path = tmp_path / "events.db"
    with (
        kernels(path, max_size=max_size) as (cached, plain),
        writer(path, seed=1) as first,
        writer(path, seed=2) as second,
    ):
        for _ in range(8):
            for each in (first, second):
                each.tell(20)
            ask_while_busy(cached, plain, (first, second))
            own = cached.append("placed", correlation_id="c-1")
            assert own == cached.by_correlation("c-1")[-1]
        assert cached.head() == 8 * (20 + 20 + 1)
        assert cached.cache.stats().hits > 0


def ask_while_busy(cached, plain, writers):
    deadline = time.monotonic() + PATIENCE
    busy = True
    while busy:  # once more when they are done
        assert time.monotonic() < deadline, "a writer is stuck"
        busy = any(each.busy() for each in writers)
        known = [event for each in writers for event in list(each.acknowledged)]
        check_events(cached, known)
        check_correlations(cached, plain, known)
        check_pages(cached, plain, known)


def check_events(cached, known):
    cached.get(cached.head() + 1)  # that it is not there yet must not be remembered
    for event in known[-5:]:
        assert cached.get(event.id).cmd == event.cmd


def check_correlations(cached, plain, known):
    for correlation_id in CORRELATIONS:
        answer = ids(cached.by_correlation(correlation_id))
        assert {event.id for event in known if event.correlation_id == correlation_id} <= set(answer)
        assert answer == ids(plain.by_correlation(correlation_id))[: len(answer)]


def check_pages(cached, plain, known):
    """A page says how many events match as of the same moment at which it was cut out of them."""
    for cmd in COMMANDS:
        query, acknowledged = Query(cmd=cmd), {event.id for event in known if event.cmd == cmd}
        for limit, offset, backwards in ((10, 0, False), (10, max(0, len(acknowledged) - 5), False), (5, 0, True)):
            page = cached.page(query, limit=limit, offset=offset, backwards=backwards)
            matching = ids(plain.read(query))[: page.total_count]
            assert acknowledged <= set(matching)
            assert len(matching) == page.total_count
            assert ids(page.events) == matching[:: -1 if backwards else 1][offset : offset + limit]
            assert page.has_more == (page.total_count > offset + limit)


def ids(events):
    return [event.id for event in events]


# --- what is kept, and what must not be


@pytest.fixture
def pair(tmp_path):
    with kernels(tmp_path / "events.db") as pair:
        yield pair


@pytest.mark.parametrize(
    "ask",
    [
        lambda kernel: kernel.get(1),
        lambda kernel: kernel.by_correlation("c-1"),
        lambda kernel: kernel.page(Query(cmd="placed"), limit=2),
        lambda kernel: kernel.page(Query(), limit=1, offset=1),
    ],
    ids=["get", "by_correlation", "page", "page by offset"],
)
def test_a_question_asked_again_is_answered_from_the_cache(pair, ask):
    cached, _ = pair
    for _ in range(3):
        cached.append("placed", correlation_id="c-1")
    first, before = ask(cached), cached.cache.stats()
    assert ask(cached) == first
    after = cached.cache.stats()
    assert (after.hits > before.hits, after.misses) == (True, before.misses)


def test_a_profile_without_a_cache_keeps_nothing(tmp_path):
    with Kernel.from_profile("high-volume", storage={"path": tmp_path / "events.db"}) as kernel:
        kernel.append("placed", correlation_id="c-1")
        for _ in range(2):
            assert kernel.get(1) == kernel.by_correlation("c-1")[0] == kernel.page().events[0]
        assert (kernel.cache.stats().max_size, kernel.cache.stats().hits) == (0, 0)


def test_that_an_event_is_not_there_is_not_remembered(pair):
    cached, plain = pair
    assert (cached.get(1), cached.by_correlation("c-1"), cached.page().total_count) == (None, [], 0)
    event = plain.append("placed", correlation_id="c-1")
    assert (cached.get(1), cached.by_correlation("c-1"), cached.page().events) == (event, [event], [event])


def test_changing_an_answer_does_not_change_the_next(pair):
    cached, _ = pair
    cached.append("placed", {"n": 1}, correlation_id="c-1")
    for _ in range(2):
        event, correlation, page = cached.get(1), cached.by_correlation("c-1"), cached.page()
        assert event.data == correlation[0].data == page.events[0].data == {"n": 1}
        event.data["n"] = correlation[0].data["n"] = page.events[0].data["n"] = 2
        correlation.clear()
        page.events.clear()


def test_what_was_rolled_back_is_in_no_answer(pair):
    cached, plain = pair
    with pytest.raises(KeyError), cached.transaction() as transaction:
        transaction.append(request("undone"))
        answers = cached.get(1), cached.by_correlation("c-1"), cached.page().total_count
        raise KeyError
    assert answers == (None, [], 0)
    event = plain.append("done", correlation_id="c-1")
    assert (cached.get(1), cached.by_correlation("c-1"), cached.page().events) == (event, [event], [event])


def request(cmd):
    from eventlite import NewEvent
    from eventlite.drafting import draft_batch, now

    return draft_batch([NewEvent(cmd, correlation_id="c-1")], recorded=now())


def test_clearing_the_cache_changes_no_answer(pair):
    cached, _ = pair
    cached.append("placed", correlation_id="c-1")
    before = cached.get(1), cached.by_correlation("c-1"), cached.page()
    cached.cache.clear()
    assert (cached.get(1), cached.by_correlation("c-1"), cached.page()) == before


def test_similar_correlations_are_not_confused(pair):
    cached, _ = pair
    names = ["1", "01", "1:1", "2:1"]
    for name in names:
        cached.append("placed", correlation_id=name)
    for _ in range(2):
        assert [ids(cached.by_correlation(name)) for name in names] == [[1], [2], [3], [4]]


def test_similar_queries_are_not_confused(pair):
    cached, plain = pair
    for number, value in enumerate([1, "1", True, None]):
        user, tags = ["alice", "bob"][number % 2], ["order:1", "order:2"][: number % 3]
        for cmd in COMMANDS:
            cached.append(cmd, {"n": value}, user=user, tags=tags, correlation_id=f"c-{number}")
    for _ in range(2):
        for query in QUERIES:
            assert cached.page(query, limit=5) == plain.page(query, limit=5)
