"""The commands `import` and `export`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from eventlite import Event, Kernel

Run = Callable[..., Result]

CSV = "case,what,at,who\nA1,placed,2026-01-31T12:00:00Z,alice\nA1,paid,2026-01-31T13:00:00Z,bob\n"
MAP = ("--map", "cmd=what", "--map", "correlation_id=case", "--map", "datetime=at")


@pytest.fixture(autouse=True)
def _alone(alone: None) -> None:
    """A directory of its own, and no settings from outside."""


@pytest.fixture
def run() -> Run:
    def invoke(*arguments: str, input: str | None = None) -> Result:
        from eventlite.cli import cli

        return CliRunner().invoke(cli, arguments, input=input)

    return invoke


def stored() -> list[Event]:
    with Kernel.from_profile() as kernel:
        return list(kernel.read())


def test_a_log_goes_in_and_comes_out(run: Run) -> None:
    Path("log.csv").write_text(CSV)
    imported = run("import", "log.csv", *MAP)
    assert imported.exit_code == 0, imported.output
    assert imported.stdout.startswith("2 events imported in ")
    assert "2026-01-31T12:00:00.000000Z to 2026-01-31T13:00:00.000000Z" in imported.stdout
    assert [(event.cmd, event.correlation_id, event.data) for event in stored()] == [
        ("placed", "A1", {"who": "alice"}),
        ("paid", "A1", {"who": "bob"}),
    ]
    exported = json.loads(run("export", "out.jsonl.gz", "--json").stdout)
    again = json.loads(run("import", "out.jsonl.gz", "--db", "again.db", "--json").stdout)
    assert exported["digest"] == again["digest"]
    assert exported["digest"] in imported.stdout


def test_the_report_as_json(run: Run) -> None:
    Path("log.csv").write_text(CSV)
    report = json.loads(run("import", "log.csv", *MAP, "--json").stdout)
    assert {name: type(value).__name__ for name, value in report.items()} == {
        **dict.fromkeys(("count", "first_id", "last_id", "skipped", "rejected", "resumed", "dangling"), "int"),
        **dict.fromkeys(("first_time", "last_time", "digest", "stored_digest"), "str"),
        **{"renumbered": "bool", "notes": "list", "seconds": "float"},
    }


def test_filters_choose_what_is_exported(run: Run) -> None:
    Path("log.csv").write_text(CSV)
    run("import", "log.csv", *MAP)
    done = run("export", "-", "--cmd", "paid", "--where", "who=bob", "--since", "2026-01-31")
    assert [json.loads(line)["cmd"] for line in done.stdout.splitlines()] == ["paid"]
    assert "1 event exported" in done.stderr


def test_both_digests_are_shown_after_renumbering(run: Run) -> None:
    Path("log.jsonl").write_text('{"id":5,"cmd":"a"}\n')
    run("append", "mine")
    refused = run("import", "log.jsonl")
    assert refused.exit_code == 1
    assert "--append" in refused.stderr
    done = run("import", "log.jsonl", "--append")
    assert done.stdout.count("digest") == 2
    assert "as stored, under new ids" in done.stdout
    assert [event.id for event in stored()] == [1, 2]


def test_rejected_lines_are_written_to_a_file(run: Run) -> None:
    Path("log.jsonl").write_text('{"cmd":"a"}\n{"cmd":\n{"cmd":"b","x":1}\n{"cmd":"c"}\n')
    done = run("import", "log.jsonl", "--skip-errors", "rejects.jsonl")
    assert done.exit_code == 0, done.output
    assert "2 rejected" in done.stdout
    first, second = map(json.loads, Path("rejects.jsonl").read_text().splitlines())
    assert (first["line"], first["record"]) == (2, '{"cmd":\n')
    assert (second["line"], second["record"], second["reason"]) == (3, {"cmd": "b", "x": 1}, "unknown field 'x'")
    assert [event.cmd for event in stored()] == ["a", "c"]
    taken = run("import", "log.jsonl", "--skip-errors", "rejects.jsonl", "--db", "other.db")
    assert taken.exit_code == 1
    assert "rejects.jsonl exists" in taken.stderr


def test_without_rejected_lines_there_is_no_file_of_them(run: Run) -> None:
    Path("log.jsonl").write_text('{"cmd":"a"}\n')
    assert run("import", "log.jsonl", "--skip-errors", "rejects.jsonl").exit_code == 0
    assert not Path("rejects.jsonl").exists()


def test_rejected_records_hold_whatever_was_wrong_with_them(run: Run) -> None:
    lines = [b'{"cmd":"\\u0000"}', b'{"cmd":"a","data":{"n":1e400}}', b'"\xff"', b'{"cmd":"a","key":"' + b"k" * 70_000]
    Path("log.jsonl").write_bytes(b"\n".join(lines))
    assert run("import", "log.jsonl", "--skip-errors", "rejects.jsonl").exit_code == 0
    rejects = [json.loads(line) for line in Path("rejects.jsonl").read_text().splitlines()]
    assert [reject["line"] for reject in rejects] == [1, 2, 3, 4]
    assert rejects[2]["record"] == '"\ufffd"\n'
    assert len(rejects[3]["record"]) == 2**16


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("import", "log.csv", "--map", "cmd"), 2, "not FIELD=COLUMN"),
        (("import", "log.csv", "--map", "cmd=a", "--map", "cmd=b"), 2, "'cmd' twice"),
        (("import", "log.csv", "--map", "comand=what"), 1, "Did you mean 'cmd'"),
        (("import", "log.csv", "--map", "cmd=waht"), 1, "Did you mean 'what'"),
        (("import", "log.csv", "--format", "cvs"), 1, "Did you mean 'csv'"),
        (("import", "log.csv"), 1, "--map"),
        (("import", "missing.csv"), 3, "no file missing.csv"),
        (("import", "log.csv", "--on-conflict", "replace"), 2, "replace"),
        (("export", "log.csv"), 3, "eventlite.db"),
    ],
)
def test_what_cannot_be_done_is_said(run: Run, arguments: tuple[str, ...], code: int, reason: str) -> None:
    Path("log.csv").write_text(CSV)
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert reason in done.stderr


def test_a_column_may_have_any_name(run: Run) -> None:
    Path("log.csv").write_text("a=b:c\nx\n")
    assert run("import", "log.csv", "--map", "cmd=a=b:c").exit_code == 0
    assert stored()[0].cmd == "x"


def test_a_file_that_exists_is_kept_unless_forced(run: Run) -> None:
    run("append", "a")
    Path("out.csv").write_text("mine")
    refused = run("export", "out.csv")
    assert (refused.exit_code, Path("out.csv").read_text()) == (1, "mine")
    assert "--force" in refused.stderr
    assert run("export", "out.csv", "--force").exit_code == 0
    assert Path("out.csv").read_text().startswith("id,version")


def test_names_of_files_cannot_steer_the_terminal(run: Run) -> None:
    name = "a\x1b[31m.jsonl"
    Path(name).write_text("{broken")
    done = run("import", name)
    assert done.exit_code == 1
    assert "\x1b[31m" not in done.stderr
    assert "\\x1b[31m.jsonl, line 1" in done.stderr


@pytest.mark.parametrize("name", ["new.db", "eventlite.db"])
def test_an_import_that_failed_leaves_no_empty_store(run: Run, name: str) -> None:
    Path("bad.jsonl").write_text('{"cmd":')
    failed = run("import", "bad.jsonl", "--db", name)
    assert (failed.exit_code, "Nothing was imported." in failed.stderr) == (1, True)
    assert [path.name for path in Path().iterdir()] == ["bad.jsonl"]


def test_an_import_that_failed_leaves_a_store_that_was_there_or_has_events(run: Run) -> None:
    Path("bad.jsonl").write_text('{"cmd":"a"}\n{"cmd":')
    Kernel.from_profile().close()
    assert run("import", "bad.jsonl", "--atomic").exit_code == 1
    assert Path("eventlite.db").exists()
    assert stored() == []
    assert run("import", "bad.jsonl", "--atomic", "--db", "none.db").exit_code == 1
    assert not Path("none.db").exists()
    assert run("import", "bad.jsonl", "--db", "new.db").exit_code == 1
    assert len(json.loads(run("log", "--json", "--db", "new.db").stdout)) == 1


def test_standard_input_is_never_taken_for_what_it_was_before(run: Run) -> None:
    broken = run("import", "-", "--batch-size", "1", input='{"cmd":"a"}\n{"cmd":"b"}\n{"cmd":')
    assert broken.exit_code == 1
    assert "2 records before it are imported; import the rest with --append" in broken.stderr
    refused = run("import", "-", input='{"cmd":"other"}\n')
    assert (refused.exit_code, "has events already" in refused.stderr) == (1, True)
    assert run("import", "-", "--append", input='{"cmd":"c"}\n').exit_code == 0
    assert [event.cmd for event in stored()] == ["a", "b", "c"]


@pytest.mark.parametrize("cause", [1, 2, 9])
def test_what_an_import_kept_is_no_damage_to_verify(run: Run, cause: int) -> None:
    Path("events.jsonl").write_text(f'{{"id":1,"cmd":"a","causation_id":{cause}}}\n{{"id":2,"cmd":"b"}}\n')
    assert "1 with a cause that is not there" in run("import", "events.jsonl").stdout
    verified = run("verify")
    assert (verified.exit_code, "1 event whose cause does not stand before" in verified.stderr) == (0, True)
