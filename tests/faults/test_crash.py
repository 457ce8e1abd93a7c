"""kill -9 at any moment, and a disk that does not confirm: what was acknowledged is there, and nothing is half done.

EVENTLITE_TEST_LONG=1 kills at every single write and sync instead of a sample, and repeats the random kills more often.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing

import pytest
from eventlite_sqlite import Settings, eventlite_make_storage

from eventlite import Kernel, NewEvent
from eventlite.contracts import INDEXES

#: Appends for ever, several threads at once, and says after each append which keys are stored.
APPENDING = """
import os, sys, threading
from eventlite import Kernel, NewEvent
path, profile, run = sys.argv[1:]
with Kernel.from_profile(profile, storage={"path": path, "checkpoint_pages": 20}) as kernel:
    def append(thread):
        for n in range(1_000_000):
            keys = [f"{run}/{thread}/{n}/{part}" for part in range(n % 3 + 1)]
            kernel.append_many([NewEvent("counted", {"n": n}, key=key, tags=[run]) for key in keys])
            os.write(1, f"{' '.join(keys)}\\n".encode())
    for thread in range(3):
        threading.Thread(target=append, args=(thread,), daemon=True).start()
    threading.Event().wait()
"""


def kill_after(process, seconds):
    """Kill it some time after its first words; returns the whole lines that it printed."""
    head = process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read()
    assert process.wait() == -signal.SIGKILL, process.stderr.read()
    return (head + rest).rpartition("\n")[0].splitlines()


def test_every_acknowledged_event_is_there_after_kill_9_and_no_batch_is_torn(start, path, dice, long):
    acknowledged = set()
    for run in range(25 if long else 3):
        profile = dice.choice(["high-volume", "balanced"])
        lines = kill_after(start(APPENDING, path, profile, f"run-{run}"), dice.uniform(0, 0.4))
        acknowledged.update(key for line in lines for key in line.split())
        with Kernel.from_profile(profile, storage={"path": str(path)}) as kernel:
            events = list(kernel.read())
            assert kernel.verify().problems == []
        assert [event.id for event in events] == list(range(1, len(events) + 1))
        stored = {event.key for event in events}
        assert len(stored) == len(events)
        assert acknowledged <= stored
        whole = {(*event.key.split("/")[:3], part) for event in events for part in range(event.data["n"] % 3 + 1)}
        assert whole == {(*key.split("/")[:3], int(key.split("/")[3])) for key in stored}
        assert len(stored - acknowledged) <= 3 * 3  # at most the batch that each thread had under way
        acknowledged = stored


CREATING = """
import itertools, os, sys
from pathlib import Path
from eventlite_sqlite import Settings, eventlite_make_storage
for n in itertools.count():
    os.write(1, f"{n}\\n".encode())
    eventlite_make_storage(Settings(path=Path(sys.argv[1], f"{n}.db"))).close()
"""


def test_a_store_whose_creation_was_killed_is_empty_or_created_anew(start, tmp_path, dice, long):
    for _ in range(15 if long else 2):
        lines = kill_after(start(CREATING, tmp_path), dice.uniform(0, 0.2))
        for number in {int(lines[-1]), 0}:
            with Kernel.from_profile(storage={"path": f"{tmp_path}/{number}.db"}) as kernel:
                assert kernel.append("first").id == 1
                assert kernel.verify().problems == []
        for store in tmp_path.glob("*.db*"):
            store.unlink()


INDEXING = """
import os, sys
from eventlite.contracts import INDEXES
from eventlite_sqlite import Settings, eventlite_make_storage
storage = eventlite_make_storage(Settings(path=sys.argv[1], checkpoint_pages=10))
os.write(1, b"ready\\n")
while True:
    for name in ("user", "version", "correlation_cmd"):
        storage.create_index(INDEXES[name])
    for name in ("user", "version", "correlation_cmd"):
        storage.drop_index(name)
"""


def test_an_index_whose_building_was_killed_is_there_or_not_and_can_be_built(start, path, dice, long):
    with Kernel.from_profile("high-volume", storage={"path": str(path)}) as kernel:
        kernel.append_many([NewEvent("indexed", {"n": n}, user=f"user-{n % 7}") for n in range(5000)])
    for _ in range(15 if long else 3):
        kill_after(start(INDEXING, path), dice.uniform(0, 0.1))
        with Kernel.from_profile("high-volume", storage={"path": str(path)}) as kernel:
            assert kernel.verify().problems == []
            assert set(kernel.indexes.active()) <= {
                "correlation_id", "causation_id", "user", "version", "correlation_cmd"
            }  # fmt: skip
            assert kernel.indexes.apply(sorted(INDEXES)) == sorted(INDEXES)
            kernel.indexes.apply()


COPYING = """
import itertools, os, sys
from pathlib import Path
from eventlite_sqlite import Settings, eventlite_make_storage
storage = eventlite_make_storage(Settings(path=Path(sys.argv[1])))
for n in itertools.count():
    os.write(1, f"{n}\\n".encode())
    storage.backup(Path(sys.argv[1]).with_name(f"copy-{n}.db"))
"""


def test_a_copy_whose_making_was_killed_is_not_there_under_its_name(start, path, dice, long):
    with Kernel.from_profile(storage={"path": str(path)}) as kernel:
        kernel.append_many([NewEvent("copied", {"text": "x" * 500, "n": n}) for n in range(4000)])
        digest = kernel.verify().digest
    for _ in range(15 if long else 2):
        kill_after(start(COPYING, path), dice.uniform(0, 0.2))
        for copy in path.parent.glob("copy-*.db"):
            with Kernel.from_profile(storage={"path": str(copy)}) as kernel:
                assert kernel.verify().digest == digest
            copy.unlink()


# --- at every write and sync

WRITES = ("pwrite64", "ftruncate", "fsync", "fdatasync", "unlink")

#: Everything that writes: creation, appends, the log begun anew, an index, a checkpoint at the end.
WORKING = """
import sys
from pathlib import Path
from eventlite import NewEvent
from eventlite.contracts import INDEXES
from eventlite.drafting import draft_batch
from eventlite_sqlite import Settings, eventlite_make_storage
path, told = Path(sys.argv[1]), Path(sys.argv[2])
told.write_text("")
storage = eventlite_make_storage(Settings(path=path, checkpoint_pages=10))
def append(key, count=1):
    events = [NewEvent("worked", {"key": key}, key=f"{key}/{n}", tags=[key]) for n in range(count)]
    (outcome,) = storage.commit([draft_batch(events, recorded=0)])
    assert outcome.new
    with told.open("a") as file:
        file.write(f"{key} {count}\\n")
for n in range(5):
    append(f"one-{n}")
append("many", 40)
storage.create_index(INDEXES["cmd"])
for n in range(4):
    append(f"more-{n}")
storage.close()
"""


@pytest.fixture(scope="session")
def strace():
    """The command that lets system calls fail."""
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    probe = subprocess.run([found, "-o", "/dev/null", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("strace may not trace here")
    return found


def store_calls(strace, run, path, told, log):
    """The system calls that write to the store in an undisturbed run: each one's name, and how often it came before."""
    run(WORKING, path, told, wrapper=(strace, "-f", "-y", "-o", str(log), "-e", f"trace={','.join(WRITES)}"))
    calls, come = [], Counter()
    for line in log.read_text().splitlines():
        called = re.match(r"\d+ +(\w+)\(.*", line)
        if called is not None:
            come[called[1]] += 1
            if str(path) in line:
                calls.append((called[1], come[called[1]]))
    return calls


def assert_whole(path, told):
    """Every batch that was told to be stored is there, the one under way is there or not, and no other."""
    with closing(eventlite_make_storage(Settings(path=path))) as storage, storage.snapshot() as snapshot:
        rows = [row[11] for row in snapshot.connection.execute("SELECT * FROM event ORDER BY id")]
        ids = [id for (id,) in snapshot.connection.execute("SELECT id FROM event ORDER BY id")]
        assert list(storage.check()) == []
    expected = [f"{key}/{n}" for key, count in told for n in range(int(count))]
    assert rows[: len(expected)] == expected
    assert ids == list(range(1, len(rows) + 1))
    assert len(rows) - len(expected) in (0, 1, 40)
    assert len({key.split("/")[0] for key in rows[len(expected) :]}) <= 1


@pytest.mark.timeout(900)
def test_killed_at_any_write_or_sync_the_store_is_whole(strace, run, tmp_path, dice, long):
    calls = store_calls(strace, run, tmp_path / "undisturbed.db", tmp_path / "told", tmp_path / "calls")
    assert {name for name, _ in calls} >= {"pwrite64", "fdatasync", "unlink"}
    assert len(calls) > 80
    for n, (name, come) in enumerate(calls if long else dice.sample(calls, 7)):
        path, told = tmp_path / f"killed-{n}.db", tmp_path / f"told-{n}"
        program = [sys.executable, tmp_path / "program-0.py", path, told]
        kill = [strace, "-f", "-o", "/dev/null", "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:when={come}"]
        killed = subprocess.run([*kill, *program], capture_output=True, timeout=60, check=False, cwd=tmp_path)
        assert killed.returncode != 0, f"{name} {come} did not come"
        assert_whole(path, [line.split() for line in told.read_text().splitlines()])


# --- a disk that does not confirm

UNCONFIRMED = """
import json, sys
from eventlite import Kernel
from eventlite.errors import StorageError, UnknownOutcomeError
path, profile = sys.argv[1:]
acknowledged, refusals = [], []
settings = {"path": path, "checkpoint_pages": 20}
with Kernel.from_profile(profile, storage=settings) as kernel:
    for n in range(100):
        try:
            acknowledged.append(kernel.append("unsure", {"text": "x" * 500}, key=f"{n}").id)
        except StorageError as error:
            refusals.append(error)
            if len(refusals) == 3:
                break
    assert [type(error) for error in refusals] == [UnknownOutcomeError] * 3, refusals
    assert "did not confirm" in refusals[0].message
    assert {event.id for event in kernel.read()} >= set(acknowledged)
print(json.dumps(acknowledged))
"""


@pytest.mark.parametrize(
    ("profile", "first"),
    [
        pytest.param("balanced", 5, id="of the log"),
        pytest.param("high-volume", 3, id="of the file in a checkpoint"),
    ],
)
def test_a_failed_sync_is_an_unknown_outcome_and_the_store_refuses_until_it_is_reopened(
    strace, run, path, profile, first
):
    with Kernel.from_profile(profile, storage={"path": str(path)}) as kernel:
        kernel.append("before")
    fail = f"inject=fsync,fdatasync:error=EIO:when={first}+"
    output = run(
        UNCONFIRMED, path, profile, wrapper=(strace, "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", fail)
    )
    acknowledged = set(map(int, output.strip("[]\n").split(",")))
    with Kernel.from_profile(profile, storage={"path": str(path)}) as kernel:
        assert acknowledged <= {event.id for event in kernel.read()}
        assert kernel.verify().problems == []
        head = kernel.head()
        assert len(acknowledged) + 1 <= head <= len(acknowledged) + 2
        assert kernel.append("after").id == head + 1


ONCE = """
import sys
from eventlite import Kernel
from eventlite.errors import UnknownOutcomeError
path = sys.argv[1]
with Kernel.from_profile(storage={"path": path}) as kernel:
    other = Kernel.from_profile(storage={"path": path})  # shares the writer
    n = 0
    try:
        for n in range(100):
            kernel.append("unsure", key=f"{n}")
    except UnknownOutcomeError:
        pass
    other.close()
    with Kernel.from_profile(storage={"path": path}) as reopened:
        assert reopened.append("unsure", key=f"{n}").key == f"{n}"
        assert reopened.append("after").id == n + 2
        assert reopened.verify().problems == []
    try:
        kernel.append("refused")
    except UnknownOutcomeError:
        print("refused", n)
"""


def test_a_store_opened_again_in_the_same_process_works_after_a_failed_sync(strace, run, path):
    Kernel.from_profile(storage={"path": str(path)}).close()
    fail = "inject=fsync,fdatasync:error=EIO:when=4"
    output = run(ONCE, path, wrapper=(strace, "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", fail))
    assert re.fullmatch("refused [1-9]\n", output)
