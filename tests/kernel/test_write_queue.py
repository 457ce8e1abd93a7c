"""The write queue: appends that arrive together are committed together, and nobody waits for ever."""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from linecache import getline

import pytest

from eventlite import write_queue
from eventlite.contracts.writing import CommitRequest, Committed
from eventlite.errors import ConflictError, StorageError, StoreClosedError, UnknownOutcomeError
from eventlite.write_queue import WriteQueue

PATIENCE = 20.0


def requests(count):
    return [CommitRequest([(n,)]) for n in range(count)]


class Store:
    """Commits into a list, and stops before each commit for as long as it is told to."""

    def __init__(self):
        self.stored = []
        self.groups = []
        self.refused = set()
        self.failure = None
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()
        self._inside = threading.Lock()

    def commit(self, group):
        assert self._inside.acquire(blocking=False), "two commits at once"
        try:
            self.entered.release()
            assert self.gate.wait(PATIENCE)
            if self.failure is not None:
                raise self.failure
            numbers = [request.drafts[0][0] for request in group]
            self.groups.append(numbers)
            self.stored += [number for number in numbers if number not in self.refused]
            return [
                ConflictError("no") if number in self.refused else Committed([number], new=True) for number in numbers
            ]
        finally:
            self._inside.release()


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def queue(store):
    return WriteQueue(store.commit)


@pytest.fixture
def pool():
    with ThreadPoolExecutor(64) as pool:
        yield pool


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_lone_request_is_committed_in_its_own_thread(queue, store):
    committing = []
    queue._commit = lambda group: committing.append(threading.current_thread()) or store.commit(group)
    (request,) = requests(1)
    assert queue.submit(request) == Committed([0], new=True)
    assert committing == [threading.current_thread()]


def test_what_arrives_during_a_commit_is_committed_together_next(queue, store, pool):
    store.gate.clear()
    first, *others = requests(20)
    answers = [pool.submit(queue.submit, first)]
    store.entered.acquire()
    answers += [pool.submit(queue.submit, request) for request in others]
    wait_until(lambda: len(queue._waiting) == 19)
    store.gate.set()
    assert [answer.result(PATIENCE).rows for answer in answers] == [[n] for n in range(20)]
    assert store.groups[0] == [0]
    assert sorted(store.groups[1]) == list(range(1, 20))
    assert len(store.groups) == 2


def test_a_refusal_is_raised_for_its_own_request_only(queue, store, pool):
    store.refused = {3, 5}
    answers = list(pool.map(lambda request: pool.submit(queue.submit, request), requests(10)))
    errors = [answer.exception(PATIENCE) for answer in answers]
    assert [type(error) for error in errors] == [ConflictError if n in (3, 5) else type(None) for n in range(10)]
    assert sorted(store.stored) == [0, 1, 2, 4, 6, 7, 8, 9]


def test_when_the_store_fails_everybody_in_the_group_is_told_and_the_next_is_served(queue, store, pool):
    store.gate.clear()
    answers = [pool.submit(queue.submit, request) for request in requests(5)]
    wait_until(lambda: len(queue._waiting) == 4)
    store.failure = StorageError("no space")
    store.gate.set()
    assert [str(answer.exception(PATIENCE)) for answer in answers] == ["no space"] * 5
    store.failure = None
    assert queue.submit(requests(1)[0]).rows == [0]


def test_every_request_of_many_threads_is_committed_once_and_in_the_order_of_its_thread(queue, store, pool):
    def work(thread):
        for n in range(50):
            assert queue.submit(CommitRequest([((thread, n),)])).rows == [(thread, n)]

    list(pool.map(work, range(64)))
    assert sorted(store.stored) == [(thread, n) for thread in range(64) for n in range(50)]
    for thread in range(64):
        assert [n for at, n in store.stored if at == thread] == list(range(50))


def test_no_more_than_so_many_wait_in_line_and_the_others_come_later(store, pool):
    queue = WriteQueue(store.commit, max_waiting=3)
    store.gate.clear()
    answers = [pool.submit(queue.submit, request) for request in requests(10)]
    wait_until(lambda: len(queue._waiting) == 3)
    time.sleep(0.05)
    assert len(queue._waiting) == 3
    store.gate.set()
    assert sorted(answer.result(PATIENCE).rows[0] for answer in answers) == list(range(10))
    assert all(len(group) <= 3 for group in store.groups)


# --- closing


def test_close_waits_for_what_was_accepted_and_refuses_the_rest(queue, store, pool):
    store.gate.clear()
    answers = [pool.submit(queue.submit, request) for request in requests(5)]
    wait_until(lambda: len(queue._waiting) == 4)
    closing = pool.submit(queue.close)
    wait_until(lambda: queue._refusal is not None)
    with pytest.raises(StoreClosedError, match="the kernel is closed"):
        queue.submit(requests(1)[0])
    assert not closing.done()
    store.gate.set()
    closing.result(PATIENCE)
    assert sorted(answer.result(PATIENCE).rows[0] for answer in answers) == list(range(5))
    assert sorted(store.stored) == list(range(5))


def test_closing_twice_is_fine_and_a_late_comer_is_refused(queue):
    queue.close()
    queue.close()
    with pytest.raises(StoreClosedError):
        queue.submit(requests(1)[0])


def test_those_who_wait_for_room_are_refused_when_it_closes(store, pool):
    queue = WriteQueue(store.commit, max_waiting=1)
    store.gate.clear()
    answers = [pool.submit(queue.submit, request) for request in requests(6)]
    wait_until(lambda: len(queue._waiting) == 1)
    closing = pool.submit(queue.close)
    wait_until(lambda: queue._refusal is not None)
    store.gate.set()
    closing.result(PATIENCE)
    errors = [answer.exception(PATIENCE) for answer in answers]
    assert {type(error) for error in errors} <= {type(None), StoreClosedError}
    assert len(store.stored) == errors.count(None) >= 2


# --- interrupts


def test_an_interrupted_commit_is_an_unknown_outcome_for_those_who_came_along(queue, store, pool):
    store.gate.clear()
    answers = [pool.submit(queue.submit, request) for request in requests(4)]
    wait_until(lambda: len(queue._waiting) == 3)
    store.failure = KeyboardInterrupt()
    store.gate.set()
    errors = [answer.exception(PATIENCE) for answer in answers]
    kinds = sorted(type(error).__name__ for error in errors)
    assert kinds == ["KeyboardInterrupt"] * 2 + ["UnknownOutcomeError"] * 2
    assert all("`key`" in str(error) for error in errors if isinstance(error, UnknownOutcomeError))
    store.failure = None
    assert queue.submit(requests(1)[0]).rows == [0]


def interrupted_at(step):
    """A trace function that raises KeyboardInterrupt at the n-th line of the queue's code, once.

    Not where the interpreter lets nothing in: at a `try`, and at a `with`, which is reached again when its block ends.
    """
    steps = [0]

    def trace(frame, event, argument):
        if frame.f_code.co_filename != write_queue.__file__:
            return None
        line = getline(frame.f_code.co_filename, frame.f_lineno).lstrip()
        if event == "line" and not line.startswith(("with ", "try:")):
            steps[0] += 1
            if steps[0] == step:
                raise KeyboardInterrupt
        return trace

    return trace, steps


@pytest.mark.parametrize(("before", "behind"), [(0, 0), (0, 3), (1, 0), (2, 2)])
def test_an_interrupt_at_any_line_leaves_a_queue_that_works(store, pool, before, behind):
    """Alone, as leader of others and in line: the queue is never stuck, and nothing is committed twice."""
    for step in range(1, 200):
        queue = WriteQueue(store.commit)
        store.gate.clear()
        store.stored.clear()
        trace, steps = interrupted_at(step)
        (mine,) = requests(1)

        def work(queue=queue, mine=mine, trace=trace):
            sys.settrace(trace)
            try:
                queue.submit(mine)
            finally:
                sys.settrace(None)

        others = [pool.submit(queue.submit, CommitRequest([(f"before {n}",)])) for n in range(before)]
        wait_until(lambda queue=queue: not before or queue._leader is not None)
        interrupted = pool.submit(work)
        others += [pool.submit(queue.submit, CommitRequest([(f"behind {n}",)])) for n in range(behind)]
        store.gate.set()
        error = interrupted.exception(PATIENCE)
        for other in others:
            assert isinstance(other.exception(PATIENCE), UnknownOutcomeError | type(None))
        assert pool.submit(queue.submit, CommitRequest([("after",)])).result(PATIENCE).rows == ["after"]
        queue.close()
        assert len(store.stored) == len(set(store.stored))
        if error is None:
            assert steps[0] < step
            assert 0 in store.stored
            return
        assert isinstance(error, KeyboardInterrupt)
    pytest.fail("the queue has more lines than that")
