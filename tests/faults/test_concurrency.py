"""Several threads and processes on one file: one order, one winner, nobody waits for ever.

EVENTLITE_TEST_LONG=1 makes the races longer.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from eventlite import Condition, NewEvent, Query
from eventlite.errors import ConflictError, StoreBusyError, StoreClosedError

PREAMBLE = """
import json, os, sys, threading, time
from eventlite import Condition, Kernel, NewEvent, Query
from eventlite.errors import *
path = sys.argv[1]
def everyone_is_ready():
    print("ready", flush=True)
    sys.stdin.readline()
"""


def together(start, source, *arguments_of_each):
    """Run a program several times at once; what each of them printed at last, as JSON."""
    processes = [start(PREAMBLE + source, *arguments) for arguments in arguments_of_each]
    for process in processes:
        assert process.stdout.readline() == "ready\n", process.communicate()[1]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = []
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        answers.append(json.loads(output.splitlines()[-1]))
    return answers


# --- one winner

RACING = """
with Kernel.from_profile(storage={"path": path}) as kernel:
    everyone_is_ready()
    won = []
    for number in range(int(sys.argv[2])):
        tags = [f"round:{number}"]
        try:
            kernel.append("claimed", tags=tags, condition=Condition(Query(tags=tags)))
            won.append(number)
        except ConflictError as error:
            assert error.position > 0
print(json.dumps(won))
"""


def test_of_processes_with_the_same_condition_exactly_one_wins_each_round(start, open_kernel, path, long):
    open_kernel(path)
    rounds = 300 if long else 25
    wins = together(start, RACING, *[(path, rounds)] * 4)
    assert Counter(number for won in wins for number in won) == dict.fromkeys(range(rounds), 1)


COUNTING = """
with Kernel.from_profile(storage={"path": path}) as kernel:
    everyone_is_ready()
    counter, counted = Query(tags=["counter"]), []
    while len(counted) < int(sys.argv[2]):
        last = next(kernel.read(counter, limit=1, backwards=True), None)
        number, position = (last.data["number"] + 1, last.id) if last else (1, 0)
        try:
            kernel.append("counted", {"number": number}, tags=["counter"], condition=Condition(counter, after=position))
            counted.append(number)
        except ConflictError as error:
            assert error.position > position
print(json.dumps(counted))
"""


def test_no_update_is_lost_when_processes_decide_on_what_they_read(start, open_kernel, path, long):
    kernel = open_kernel(path)
    each = 200 if long else 15
    counted = together(start, COUNTING, *[(path, each)] * 3)
    assert sorted(number for some in counted for number in some) == list(range(1, 3 * each + 1))
    assert [event.data["number"] for event in kernel.read()] == list(range(1, 3 * each + 1))


def test_of_threads_with_the_same_condition_exactly_one_wins_each_round(open_kernel, path):
    kernel = open_kernel(path)
    for number in range(20):
        head = kernel.head()
        gate = threading.Barrier(16)

        def claim(number=number, head=head, gate=gate):
            gate.wait()
            condition = Condition(Query(tags=[f"round:{number}"]), after=head)
            try:
                return kernel.append("claimed", tags=[f"round:{number}"], condition=condition).id
            except ConflictError:
                return None

        with ThreadPoolExecutor(16) as pool:
            ids = [future.result() for future in [pool.submit(claim) for _ in range(16)]]
        assert len([id for id in ids if id is not None]) == 1
    assert kernel.head() == 20


REPEATING = """
with Kernel.from_profile(storage={"path": path}) as kernel:
    everyone_is_ready()
    answers = []
    for number in range(40):
        event = kernel.append("paid", {"number": number}, key=f"payment:{number}")
        answers.append([event.id, event.datetime.isoformat(), event.correlation_id])
print(json.dumps(answers))
"""


def test_the_same_key_in_several_processes_is_one_event_and_the_same_answer(start, open_kernel, path):
    kernel = open_kernel(path)
    first, *others = together(start, REPEATING, (path,), (path,), (path,))
    assert all(answers == first for answers in others)
    assert [event.key for event in kernel.read()] == [f"payment:{number}" for number in range(40)]


# --- one order

FOLLOWING = """
with Kernel.from_profile(storage={"path": path}) as kernel:
    everyone_is_ready()
    seen, last, gaps = [], 0, 0
    deadline = time.monotonic() + 40
    while len(seen) < int(sys.argv[2]) and time.monotonic() < deadline:
        assert kernel.head() >= last
        for event in kernel.read(after=last):
            seen.append(event.id)
            last = event.id
print(json.dumps(seen))
"""

WRITING = """
with Kernel.from_profile("high-volume", storage={"path": path, "checkpoint_pages": 20}) as kernel:
    everyone_is_ready()
    for number in range(int(sys.argv[2])):
        kernel.append_many([NewEvent("written", {"number": number})] * (number % 3 + 1))
print(json.dumps(sum(number % 3 + 1 for number in range(int(sys.argv[2])))))
"""


def test_readers_in_other_processes_see_every_event_once_and_in_order(start, open_kernel, path, long):
    open_kernel(path)
    writes = 1500 if long else 100
    total = 3 * sum(number % 3 + 1 for number in range(writes))
    programs = [(WRITING, (path, writes))] * 3 + [(FOLLOWING, (path, total))] * 2
    answers = together(start, "exec(sys.argv.pop())\n", *[(*arguments, source) for source, arguments in programs])
    for seen in answers[3:]:
        assert seen == list(range(1, total + 1))


def test_64_threads_on_one_kernel(open_kernel, path):
    kernel = open_kernel(path)

    def work(thread):
        events = [kernel.append("done", {"thread": thread, "n": n}, tags=[f"thread:{thread}"]) for n in range(10)]
        assert [event.id for event in kernel.read(Query(tags=[f"thread:{thread}"]))] == [event.id for event in events]
        assert kernel.get(events[-1].id) == events[-1]
        return [event.id for event in events]

    with ThreadPoolExecutor(64) as pool:
        ids = [id for done in pool.map(work, range(64)) for id in done]
    assert sorted(ids) == list(range(1, 641))
    assert kernel.verify().problems == []


# --- nobody waits for ever


@pytest.fixture
def held(open_kernel, path):
    """A store whose write lock somebody else holds."""
    with open_kernel(path) as kernel:
        kernel.append("before")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_a_writer_held_too_long_is_busy_and_reads_go_on(open_kernel, path, held):
    kernel = open_kernel(path, busy_timeout=0.3)
    with pytest.raises(StoreBusyError, match="locked for longer than busy_timeout; nothing was written"):
        kernel.append("refused")
    assert [event.cmd for event in kernel.read()] == ["before"]
    held.execute("ROLLBACK")
    assert kernel.append("after").id == 2


def test_everybody_in_line_behind_a_held_writer_gets_an_answer(open_kernel, path, held):
    kernel = open_kernel(path, busy_timeout=0.3)
    with ThreadPoolExecutor(8) as pool:
        errors = [future.exception(30) for future in [pool.submit(kernel.append, "refused") for _ in range(8)]]
    assert [type(error) for error in errors] == [StoreBusyError] * 8


def test_a_writer_that_lets_go_in_time_is_waited_for(open_kernel, path, held):
    kernel = open_kernel(path, busy_timeout=20.0)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(kernel.append, "patient")
        time.sleep(0.2)
        held.execute("ROLLBACK")
        assert waiting.result(30).id == 2


# --- the log stays bounded


def log_pages(path):
    return path.with_name(path.name + "-wal").stat().st_size // 4120


STREAMING = """
with Kernel.from_profile(storage={"path": path}) as kernel:
    everyone_is_ready()
    deadline, passes = time.monotonic() + float(sys.argv[2]), 0
    while time.monotonic() < deadline:
        for batch in kernel.stream(batch_size=500):
            pass
        passes += 1
print(json.dumps(passes))
"""

LOADING = """
with Kernel.from_profile("high-volume", storage={"path": path, "page_size": 4096, "checkpoint_pages": 200}) as kernel:
    everyone_is_ready()
    deadline, written, largest = time.monotonic() + float(sys.argv[2]), 0, 0
    while time.monotonic() < deadline:
        kernel.append_many([NewEvent("loaded", {"text": "x" * 300})] * 20)
        written += 20
        largest = max(largest, os.stat(path + "-wal").st_size // 4120)
print(json.dumps([written, largest]))
"""


def test_the_log_stays_bounded_while_others_stream(start, open_kernel, path, long):
    open_kernel(path, "high-volume", page_size=4096).append_many([NewEvent("loaded", {"text": "x" * 300})] * 2000)
    seconds = 30 if long else 2
    programs = [(LOADING, (path, seconds)), (STREAMING, (path, seconds)), (STREAMING, (path, seconds))]
    answers = together(start, "exec(sys.argv.pop())\n", *[(*arguments, source) for source, arguments in programs])
    written, largest = answers[0]
    assert all(answers[1:])
    assert written > 2000
    assert written > 0
    assert largest < 6000


def test_a_reader_that_stays_delays_no_append_for_long_and_the_log_shrinks_once_it_is_gone(open_kernel, path):
    kernel = open_kernel(path, checkpoint_pages=30, busy_timeout=60.0)
    kernel.append("first")
    with kernel.storage.snapshot() as snapshot:
        for n in range(200):  # with each checkpoint waiting for the reader this would take minutes
            kernel.append("more", {"text": "x" * 500, "n": n})
        assert snapshot.head() == 1
        held_back = log_pages(path)
    for n in range(400):
        kernel.append("more", {"text": "x" * 500, "n": n})
    assert log_pages(path) <= held_back + 60


def test_the_log_of_large_payloads_stays_bounded(open_kernel, path):
    kernel = open_kernel(path, "high-volume", page_size=4096, checkpoint_pages=100)
    for _ in range(30):
        kernel.append("large", {"text": "x" * 200_000})
    assert log_pages(path) < 500


def test_the_log_of_an_index_is_copied_with_the_next_append(open_kernel, path):
    kernel = open_kernel(path, "high-volume", page_size=4096)
    kernel.append_many([NewEvent("indexed", user=f"user-{n:0100}") for n in range(3000)])
    kernel.indexes.apply(["user"])
    before = log_pages(path)
    for _ in range(10):
        kernel.append("after")
    assert log_pages(path) == before


CHECKPOINTING = """
with Kernel.from_profile("high-volume", storage={"path": path, "checkpoint_pages": 10}) as kernel:
    everyone_is_ready()
    ids = [kernel.append("counted", {"text": "x" * 2000}, tags=[sys.argv[3]]).id for _ in range(int(sys.argv[2]))]
print(json.dumps(ids))
"""


def test_processes_that_checkpoint_all_the_time_lose_nothing(start, open_kernel, path, long):
    kernel = open_kernel(path)
    appends = 3000 if long else 150
    ids = together(start, CHECKPOINTING, *[(path, appends, f"writer:{n}") for n in range(3)])
    assert sorted(id for some in ids for id in some) == list(range(1, 3 * appends + 1))
    assert [event.id for event in kernel.read()] == list(range(1, 3 * appends + 1))
    for n, some in enumerate(ids):
        assert [event.id for event in kernel.read(Query(tags=[f"writer:{n}"]))] == some
    assert kernel.verify().problems == []


# --- closing


def test_close_while_others_read_and_append_is_a_clean_error(open_kernel, path):
    kernel = open_kernel(path)
    kernel.append_many([NewEvent("read", {"n": n}) for n in range(3000)])
    errors, started = [], threading.Barrier(9)

    def use(work):
        started.wait()
        try:
            while True:
                work()
        except Exception as error:
            errors.append(error)

    works = [lambda: list(kernel.read()), lambda: kernel.append("more"), lambda: kernel.page(Query(cmd="read")),
             lambda: kernel.storage.wait(10**9, 30)]  # fmt: skip
    threads = [threading.Thread(target=use, args=(work,)) for work in works * 2]
    for thread in threads:
        thread.start()
    started.wait()
    time.sleep(0.1)
    kernel.close()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert [type(error) for error in errors] == [StoreClosedError] * 8


def test_two_kernels_on_one_file_share_the_writer_and_one_may_close(open_kernel, path):
    first, second = open_kernel(path), open_kernel(path)
    assert first.append("one").id == 1
    assert second.append("two").id == 2
    first.close()
    assert second.append("three").id == 3
    with pytest.raises(StoreClosedError):
        first.append("four")
    with pytest.raises(StoreClosedError):
        first.get(1)


# --- forks

FORKED = """
import signal
def in_child(work):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            work()
        except EventLiteError as error:
            os.write(1, f"{type(error).__name__}: {error.message}\\n".encode())
            os._exit(0)
        except BaseException as error:
            os.write(1, f"raw {error!r}\\n".encode())
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert status == 0, status

kernel = Kernel.from_profile(storage={"path": path})
kernel.append("before")
stop = threading.Event()
def append_all_the_time():
    while not stop.is_set():
        kernel.append("meanwhile")
threads = [threading.Thread(target=append_all_the_time) for _ in range(3)]
for thread in threads:
    thread.start()
for work in [
    lambda: kernel.append("child"),
    lambda: kernel.get(1),
    lambda: list(kernel.read()),
    lambda: kernel.head(),
    lambda: kernel.transaction().__enter__(),
    lambda: kernel.storage.wait(10**9, 1),
    lambda: Kernel.from_profile(storage={"path": path}),
]:
    in_child(work)
pid = os.fork()
if pid == 0:
    signal.alarm(20)
    kernel.close()
    del kernel
    sys.exit(7)  # with everything that an interpreter does at its end
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
stop.set()
for thread in threads:
    thread.join()
assert kernel.append("after").id == kernel.head() == kernel.count()
assert kernel.verify().problems == []
kernel.close()
pid = os.fork()
if pid == 0:
    with Kernel.from_profile(storage={"path": path}) as kernel:  # it was closed at the fork
        kernel.append("grandchild")
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
with Kernel.from_profile(storage={"path": path}) as kernel:
    assert kernel.get(kernel.head()).cmd == "grandchild"
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_can_neither_use_nor_disturb_its_parents_store(run, path):
    lines = run(PREAMBLE + "import warnings\nwarnings.simplefilter('ignore')\n" + FORKED, path).splitlines()
    assert len(lines) == 7
    for line in lines[:6]:
        assert line.startswith("StoreClosedError: ")
        assert "belongs to the process that this one was forked from" in line
    assert lines[6].startswith("StorageError: ")
    assert "was open in the process that this one was forked from" in lines[6]


# --- interrupts

INTERRUPTED = """
import random, signal
random.seed(int(sys.argv[3]))
with Kernel.from_profile("high-volume", storage={"path": path, "checkpoint_pages": 20}) as kernel:
    stop = threading.Event()
    failures = []
    def append_all_the_time():
        while not stop.is_set():
            try:
                kernel.append("beside")
            except UnknownOutcomeError:
                pass
            except BaseException as error:
                failures.append(error)
                return
    threads = [threading.Thread(target=append_all_the_time) for _ in range(int(sys.argv[4]))]
    for thread in threads:
        thread.start()
    acknowledged, attempts, interrupted = set(), 0, 0
    def interrupt(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGALRM, interrupt)
    deadline = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < deadline:
        attempts += 1
        try:
            signal.setitimer(signal.ITIMER_REAL, random.uniform(0.00005, 0.002))
            for part in range(20):
                acknowledged.add(kernel.append("main", key=f"{attempts}/{part}").id)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            interrupted += 1
    signal.setitimer(signal.ITIMER_REAL, 0)
    stop.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "stuck"
    assert not failures, failures
    assert kernel.append("after").id == kernel.head()
    assert acknowledged <= {event.id for event in kernel.read(Query(cmd="main"))}
    assert kernel.verify().problems == []
print(interrupted)
"""


@pytest.mark.parametrize("others", [0, 3])
def test_interrupts_at_any_moment_leave_a_kernel_that_works(run, path, dice, long, others):
    output = run(PREAMBLE + INTERRUPTED, path, 30 if long else 1, dice.randrange(2**32), others)
    assert int(output) > 20


def test_ctrl_c_in_a_program_that_waits_ends_it_and_loses_nothing(start, open_kernel, path):
    source = (
        PREAMBLE
        + """
with Kernel.from_profile(storage={"path": path}) as kernel:
    kernel.append("before")
    everyone_is_ready()
    try:
        kernel.append("waiting")
    except KeyboardInterrupt:
        print(json.dumps(kernel.count()))
"""
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        process = start(source, path)
        assert process.stdout.readline() == "ready\n"
        other.execute("BEGIN IMMEDIATE")
        process.stdin.write("\n")
        process.stdin.flush()
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        other.execute("ROLLBACK")
        output, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    with open_kernel(path) as kernel:
        assert int(output) == kernel.count() in (1, 2)
        assert kernel.append("after").id == kernel.count()


# --- creation

CREATING = """
everyone_is_ready()
with Kernel.from_profile(storage={"path": path}) as kernel:
    id = kernel.append("created").id
print(json.dumps(id))
"""


def test_processes_that_create_the_same_file_at_once_share_one_store(start, open_kernel, path):
    ids = together(start, CREATING, *[(path,)] * 4)
    assert sorted(ids) == [1, 2, 3, 4]
    kernel = open_kernel(path)
    assert kernel.verify().problems == []
    assert kernel.indexes.difference() == ([], [])
