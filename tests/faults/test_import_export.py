"""Files while things go wrong: killed, interrupted, cut off, damaged; in processes of their own."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eventlite import BulkError, Kernel, NewEvent, Query
from eventlite.digest import canonical_line
from eventlite.event import Row

LINES = 20_000

IMPORT = """
    import sys
    from eventlite import Kernel

    def tell(records, position, size):
        print(records, flush=True)

    with Kernel.from_profile(storage={"path": sys.argv[2]}) as kernel:
        kernel.import_file(sys.argv[1], progress=tell, batch_size=400, append=sys.argv[3] == "append")
"""
EXPORT = """
    import sys
    from eventlite import Kernel

    def tell(events, total):
        print(events, flush=True)

    with Kernel.from_profile(storage={"path": sys.argv[1]}) as kernel:
        kernel.export_file(sys.argv[2], progress=tell, batch_size=400)
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("EVENTLITE_") and not name.startswith("EVENTLITE_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """Events with ids that have gaps, and with causes near and far."""
    made = []
    for n in range(1, LINES + 1):
        id, cause = n + n // 7, n // 2 + n // 2 // 7 or None
        tail = (
            f"c-{n // 10}",
            cause if n % 3 else None,
            "{}",
            f'["order:{n % 100}"]' if n % 50 == 0 else "[]",
            None,
            0,
        )
        made.append((id, 1, 1_700_000_000_000_000 + n, f"u{n % 9}", "", "placed", f'{{"n":{n}}}', *tail))
    return made


@pytest.fixture(scope="module")
def log(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.write_bytes(b"".join(map(canonical_line, rows)))
    return path


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a script as a process of its own; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def run(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def chance() -> random.Random:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    return random.Random(seed)


def kill_after(process: subprocess.Popen[str], lines: int, chance: random.Random) -> bool:
    """Kill the process some moment after it has written so many lines; whether it was still running."""
    assert process.stdout is not None
    for _ in range(lines):
        if not process.stdout.readline():
            break
    try:
        process.wait(chance.random() * 0.05)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate(timeout=30)
    return process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("append", ["", "append"])
def test_an_import_that_is_killed_goes_on_without_duplicates(
    log: Path, rows: list[Row], tmp_path: Path, start: Start, chance: random.Random, append: str
) -> None:
    db = tmp_path / "events.db"
    if append:
        with Kernel.from_profile(storage={"path": db}) as kernel:
            kernel.append_many([NewEvent("mine")] * 3)
    for _ in range(2):
        assert kill_after(start(IMPORT, log, db, append), chance.randrange(1, 15), chance)
    with Kernel.from_profile(storage={"path": db}) as kernel:
        report = kernel.import_file(log, batch_size=7000, append=bool(append))
        assert 800 <= report.resumed < LINES
        assert report.count + report.resumed == LINES
        assert report.digest == hashlib.sha256(log.read_bytes()).hexdigest()
        mine = 3 if append else 0
        stored = [row for batch in kernel.stream(Query(), after=mine) for row in (event.row for event in batch)]
        place = {row[0]: new[0] for row, new in zip(rows, stored, strict=True)} if append else {}
        for row, new in zip(rows, stored, strict=True):
            assert (new[0], new[8]) == (place.get(row[0], row[0]), place.get(row[8] or 0, row[8]))
            assert (*new[1:8], *new[9:12]) == (*row[1:8], *row[9:12])
        digest = hashlib.sha256(b"".join(map(canonical_line, stored))).hexdigest()
        assert digest == (report.stored_digest or report.digest)
        assert kernel.verify().problems == []


def test_an_export_that_is_killed_leaves_nothing_under_its_name(
    log: Path, tmp_path: Path, start: Start, chance: random.Random
) -> None:
    db, target = tmp_path / "events.db", tmp_path / "out.jsonl"
    with Kernel.from_profile(storage={"path": db}) as kernel:
        kernel.import_file(log)
    for _ in range(2):
        killed = kill_after(start(EXPORT, db, target), chance.randrange(1, 10), chance)
        assert target.exists() is not killed
        target.unlink(missing_ok=True)
    with Kernel.from_profile(storage={"path": db}) as kernel:
        kernel.export_file(target)
    assert target.read_bytes() == log.read_bytes()


def eventlite(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eventlite", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload, no-any-return]


def wait_for(db: Path, head: int) -> None:
    """Wait until the store's last event has this id."""
    deadline = time.monotonic() + 30
    with Kernel.from_profile(storage={"path": db}) as kernel:
        while kernel.head() < head:
            assert time.monotonic() < deadline, kernel.head()
            kernel.storage.wait(kernel.head(), 1)


def test_ctrl_c_says_what_was_done_and_the_same_again_goes_on(log: Path, rows: list[Row], tmp_path: Path) -> None:
    db, pipe = tmp_path / "events.db", tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "eventlite", "import", pipe, "--db", db, "--batch-size", "1000"]
    with (
        subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
        pipe.open("wb") as writer,  # it waits for the rest when it is interrupted
    ):
        writer.write(b"".join(log.read_bytes().splitlines(keepends=True)[:2500]))
        writer.flush()
        wait_for(db, rows[1999][0])
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    # Between a commit and its being counted it may be interrupted, too.
    expected = r"Interrupted; [12],000 records imported so far\. Run the same command again to go on from there\.\n"
    assert re.fullmatch(expected, err)
    pipe.unlink()
    pipe.write_bytes(log.read_bytes())
    done = eventlite("import", pipe, "--db", db, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["resumed"], report["count"]) == (2000, LINES - 2000)
    assert report["digest"] == hashlib.sha256(log.read_bytes()).hexdigest()


@pytest.mark.parametrize("atomic", [False, True])
def test_a_last_line_that_is_cut_off(tmp_path: Path, rows: list[Row], atomic: bool) -> None:
    path, db = tmp_path / "log.jsonl", tmp_path / "events.db"
    whole = b"".join(map(canonical_line, rows[:25]))
    path.write_bytes(whole[:-20])
    command = ("import", path, "--db", db, "--batch-size", "10", *(["--atomic"] if atomic else []))
    cut = eventlite(*command)
    assert cut.returncode == 1
    assert f"{path}, line 25: not valid JSON" in cut.stderr
    assert ("Nothing was imported" if atomic else "24 records before it are imported") in cut.stderr
    with Kernel.from_profile(storage={"path": db}) as kernel:
        assert kernel.count() == (0 if atomic else 24)
    path.write_bytes(whole)
    mended = eventlite(*command, "--json")
    assert mended.returncode == 0, mended.stderr
    assert json.loads(mended.stdout)["digest"] == hashlib.sha256(whole).hexdigest()
    with Kernel.from_profile(storage={"path": db}) as kernel:
        assert [event.row[:12] for event in kernel.read()] == [row[:12] for row in rows[:25]]


def test_the_disk_fills_up_during_an_import(log: Path, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk; with room again it goes on."""
    db = tmp_path / "events.db"
    script = f"""
        import resource, sys
        from eventlite.cli import main
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, 2**19))
        sys.exit(main(["import", {str(log)!r}, "--db", {str(db)!r}, "--batch-size", "500"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    full = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (full.returncode, full.stdout) == (7, ""), full.stderr
    assert "records before it are imported; run the import again" in full.stderr
    done = eventlite("import", log, "--db", db, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["resumed"] >= 500
    assert json.loads(done.stdout)["digest"] == hashlib.sha256(log.read_bytes()).hexdigest()


def test_what_a_damaged_store_still_has_can_be_exported(log: Path, tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    with Kernel.from_profile(storage={"path": db}) as kernel:
        kernel.import_file(log)
    page = 4096
    content = bytearray(db.read_bytes())
    for at in range(len(content) // page // 3, len(content) // page // 2):
        content[at * page : (at + 1) * page] = bytes(page)
    db.write_bytes(content)
    refused = eventlite("export", tmp_path / "out.jsonl", "--db", db)
    assert refused.returncode == 5, refused.stderr
    assert "--salvage" in refused.stderr
    assert not (tmp_path / "out.jsonl").exists()
    salvaged = eventlite("export", tmp_path / "out.jsonl", "--db", db, "--salvage")
    assert salvaged.returncode == 0, salvaged.stderr
    assert "could not be read" in salvaged.stderr
    kept = (tmp_path / "out.jsonl").read_bytes().splitlines(keepends=True)
    assert LINES // 2 < len(kept) < LINES
    assert set(kept) <= set(log.read_bytes().splitlines(keepends=True))


def test_what_a_cut_off_store_still_has_can_be_exported(log: Path, tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    with Kernel.from_profile(storage={"path": db}) as kernel:
        kernel.import_file(log)
    db.write_bytes(db.read_bytes()[: db.stat().st_size // 2 // 4096 * 4096])
    assert eventlite("export", tmp_path / "out.jsonl", "--db", db).returncode == 5
    salvaged = eventlite("export", tmp_path / "out.jsonl", "--db", db, "--salvage")
    assert salvaged.returncode == 0, salvaged.stderr
    kept = (tmp_path / "out.jsonl").read_bytes()
    assert kept.count(b"\n") > LINES // 10
    assert log.read_bytes().startswith(kept)


def test_standard_input_and_output(log: Path, tmp_path: Path) -> None:
    text = "".join(log.read_text().splitlines(keepends=True)[:100])
    imported = eventlite("import", "-", "--db", tmp_path / "events.db", "--json", input=text)
    assert imported.returncode == 0, imported.stderr
    exported = eventlite("export", "-", "--db", tmp_path / "events.db")
    assert (exported.returncode, exported.stdout) == (0, text)
    assert f"digest  {json.loads(imported.stdout)['digest']}" in exported.stderr
    csv = eventlite("export", "-", "--format", "csv", "--db", tmp_path / "events.db")
    again = eventlite("import", "-", "--format", "csv", "--db", tmp_path / "again.db", "--json", input=csv.stdout)
    assert json.loads(again.stdout)["digest"] == json.loads(imported.stdout)["digest"]


def test_a_reader_that_leaves_is_no_error(log: Path, tmp_path: Path) -> None:
    with Kernel.from_profile(storage={"path": tmp_path / "events.db"}) as kernel:
        kernel.import_file(log)
    command = (
        f'"{sys.executable}" -m eventlite export - --db "{tmp_path / "events.db"}" | head -n 2; echo ${{PIPESTATUS[0]}}'
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[2:] == ["0"]
    assert done.stderr == ""


def test_an_export_never_replaces_the_store(tmp_path: Path) -> None:
    store = tmp_path / "app.db"
    with Kernel.from_profile(storage={"path": store}) as kernel:
        kernel.append("x")
        (tmp_path / "link.jsonl").symlink_to(store)
        for target in (store, tmp_path / "link.jsonl"):
            with pytest.raises(BulkError, match="the store itself"):
                kernel.export_file(target, format="jsonl", force=True)
        assert kernel.verify().problems == []
