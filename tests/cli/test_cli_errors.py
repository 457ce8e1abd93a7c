from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

import eventlite
from eventlite import Event
from eventlite.cli.errors import EXIT_CODES, exit_code

CODES = {
    "EventLiteError": 1, "BulkError": 1, "JobError": 1, "HandlerError": 1, "UpcastError": 1,
    "ProjectionError": 1, "SubscriptionError": 1, "SubscriptionPausedError": 1,
    "InvalidEventError": 2, "InvalidQueryError": 2,
    "StoreNotFoundError": 3,
    "ConflictError": 4,
    "CorruptionError": 5,
    "StoreBusyError": 6,
    "StorageError": 7, "StoreReadOnlyError": 7, "StoreFullError": 7, "StoreClosedError": 7, "UnknownOutcomeError": 7,
    "ProfileError": 8, "PluginError": 8, "ForeignFileError": 8, "SchemaVersionError": 8,
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in eventlite.__all__ if name.endswith("Error")])
def test_every_error_has_its_exit_code(name: str) -> None:
    assert exit_code(getattr(eventlite, name)("what")) == CODES[name]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (click.UsageError("x"), 2),
        (FileNotFoundError(2, "x"), 3),
        (PermissionError(13, "x"), 7),
        (OSError(28, "x"), 7),
        (ValueError(), 1),
    ],
)
def test_other_errors_have_exit_codes_too(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_a_bulk_error_has_the_code_of_what_caused_it() -> None:
    error = eventlite.BulkError("the export stopped")
    error.__cause__ = eventlite.StoreFullError("no space")
    assert exit_code(error) == 7


def test_no_exit_code_is_taken_by_success_or_interruption() -> None:
    assert set(EXIT_CODES.values()) == {1, 2, 3, 4, 5, 6, 7, 8}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["log", "--db", "missing.db"], 3, "there is no store at missing.db"),
        (["get", "99"], 3, "there is no event 99"),
        (["append", "x", "--if-none-after", "0", "--if-tag", "order:A1"], 4, "event 2 matches"),
        (["log", "--db", "."], 7, "is a directory"),
        (["append", "x", "--db", "no/such/place.db"], 7, "does not exist"),
        (["log", "--profile", "balnced"], 8, "balanced"),
        (["log", "--limit", "no"], 2, "--limit"),
        (["log", "--tag", ""], 2, "tags"),
        (["append", ""], 2, "cmd"),
    ],
)
def test_an_error_is_a_line_or_two_on_stderr(
    arguments: list[str], code: int, words: str, store: list[Event], run: Callable[..., Result]
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("eventlite: ")
    assert words in result.stderr
    assert 1 <= result.stderr.count("\n") <= 2


def test_with_json_an_error_is_a_document_on_stderr(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("append", "x", "--if-none-after", "0", "--if-tag", "order:A1", "--json")
    error = json.loads(result.stderr)["error"]
    assert (result.exit_code, result.stdout) == (4, "")
    assert (error["type"], error["exit_code"], error["position"]) == ("ConflictError", 4, 2)
    assert error["message"] and error["hint"]


@pytest.mark.parametrize(
    "arguments", [["--json", "nonsense"], ["log", "--limit", "x", "--json"], ["log", "--json", "--nonsense"]]
)
def test_with_json_a_usage_error_is_a_document_too(arguments: list[str], run: Callable[..., Result]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert json.loads(result.stderr)["error"]["exit_code"] == 2


def test_a_misspelt_environment_variable_is_refused(shell: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    result = shell("log", env={"EVENTLITE_STORAGE__PAHT": "x.db"})
    assert (result.returncode, result.stdout) == (8, b"")
    assert b"EVENTLITE_STORAGE__PAHT" in result.stderr
    assert b"path" in result.stderr
    assert b"Traceback" not in result.stderr


@pytest.mark.parametrize(
    "verb", ["get 1", "log", "tail", "tail -f", "trace 1", "stats", "verify", "backup copy.db", "doctor"]
)
def test_a_command_that_reads_never_makes_a_store(verb: str, tmp_path: Path, run: Callable[..., Result]) -> None:
    assert run(*verb.split()).exit_code == (0 if verb == "doctor" else 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database, just words" * 99, None])
def test_a_foreign_file_is_refused_and_left_alone(
    content: bytes | None, tmp_path: Path, run: Callable[..., Result]
) -> None:
    path = tmp_path / "other.db"
    if content is None:
        with sqlite3.connect(path) as connection:
            connection.execute("CREATE TABLE song (title)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    for arguments in (["log"], ["append", "x"]):
        result = run(*arguments, "--db", str(path))
        assert (result.exit_code, result.stdout) == (8, "")
    assert path.read_bytes() == before


def test_a_fault_of_our_own_shows_no_traceback_unless_asked(
    run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr("eventlite.kernel.Kernel.from_profile", fail)
    result = run("log")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("eventlite: ZeroDivisionError: by zero\n")
    monkeypatch.setenv("EVENTLITE_DEBUG", "1")
    assert isinstance(run("log").exception, ZeroDivisionError)


@pytest.mark.parametrize("arguments", [["log", "--all"], ["log", "--all", "--json"], ["tail", "-n", "9999", "--json"]])
def test_a_reader_that_goes_away_is_no_error(arguments: list[str], run: Callable[..., Result]) -> None:
    with eventlite.Kernel.from_profile() as kernel:
        kernel.append_bulk([eventlite.NewEvent("x", {"text": "long " * 100})] * 3000)
    command = [sys.executable, "-m", "eventlite", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 0


@pytest.mark.parametrize("verb", ["stats", "trace 1", "plugins", "indexes list", "get 1", "doctor", "stats --json"])
def test_a_reader_that_was_never_there_is_no_error(verb: str, store: list[Event]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "eventlite", *verb.split()]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_full_disk_under_stdout_is_an_io_error(store: list[Event]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "eventlite", "log"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == 7
    assert done.stderr.startswith(b"eventlite: ")
    assert b"Traceback" not in done.stderr


def test_ctrl_c_ends_a_follower_without_a_word(store: list[Event]) -> None:
    command = [sys.executable, "-m", "eventlite", "tail", "-f"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for _ in store:
            assert process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stderr.read().strip() == b""


def test_text_from_a_store_reaches_no_terminal_through_an_error(run: Callable[..., Result]) -> None:
    run("append", "x", "--tag", "a")
    result = run("append", "x\x1b[31m\nforged line", "--if-none-after", "0", "--if-tag", "a\x1b[2J")
    assert "\x1b" not in result.stderr
    assert "\x1b" not in run("log", "--db", "\x1b[31m.db").stderr


@pytest.mark.parametrize("column", ["data", "metadata", "tags"])
def test_json_of_a_damaged_event_is_an_error_and_not_half_a_document(
    column: str, store: list[Event], run: Callable[..., Result]
) -> None:
    with sqlite3.connect("eventlite.db") as connection:
        connection.execute(f"UPDATE event SET {column} = '{{\"a\": 1' WHERE id = 2")
    connection.close()
    for verb in ("get 2", "log", "tail"):
        result = run(*verb.split(), "--json", "--profile", "high-volume")
        assert result.exit_code == 5, verb
        assert "event 2 is damaged" in result.stderr


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_does_not_have_is_refused(value: str, run: Callable[..., Result]) -> None:
    result = run("append", "x", f"n={value}")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no JSON number" in result.stderr
    assert json.loads(run("append", "x", f'n="{value}"', "--json").stdout)["data"] == {"n": value}
