from __future__ import annotations

import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from eventlite import Event, Kernel
from eventlite.cli import backup as cli_backup
from eventlite.cli.machine_checks import check_place, check_sqlite, file_system_type
from eventlite.hookspecs import Finding


@pytest.fixture
def damaged(store: list[Event]) -> int:
    """The id of an event whose payload was changed behind the store's back."""
    with sqlite3.connect("eventlite.db") as connection:
        connection.execute("UPDATE event SET data = replace(data, '12.5', '92.5') WHERE id = 2")
    connection.close()
    return 2


def levels(findings: Iterator[Finding]) -> dict[str, str]:
    return {finding.subject: finding.level for finding in findings}


def test_stats_count_everything(store: list[Event], done: Callable[..., str]) -> None:
    counted = json.loads(done("stats", "--json"))
    assert (counted["events"], counted["head"], counted["correlations"]) == (6, 6, 2)
    assert (counted["roots"], counted["children"]) == (2, 4)
    assert (counted["first"], counted["last"]) == (store[0].to_dict()["datetime"], store[5].to_dict()["datetime"])
    assert counted["by_cmd"] == {event.cmd: 1 for event in store}
    assert counted["by_user"] == {"alice": 1, "bank": 1, "bob": 1, "dock": 2, "shop": 1}
    assert counted["by_version"] == {"1": 5, "2": 1}
    assert counted["storage"]["file_bytes"] == Path("eventlite.db").stat().st_size
    assert "correlation_id" in counted["indexes"]


def test_stats_for_people_name_the_commonest_first(store: list[Event], done: Callable[..., str]) -> None:
    lines = [line.split() for line in done("stats", "--limit", "2").splitlines()]
    assert ["events", "6"] in lines
    assert [line[:2] for line in lines].index(["dock", "2"]) < [line[:2] for line in lines].index(["alice", "1"])
    assert ["and", "3", "more", "3"] in lines


def test_stats_of_an_empty_store(done: Callable[..., str]) -> None:
    Kernel.from_profile().close()
    assert json.loads(done("stats", "--json"))["first"] is None
    assert ["events", "0"] in [line.split() for line in done("stats").splitlines()]


def test_verify_of_a_sound_store(store: list[Event], done: Callable[..., str]) -> None:
    report = json.loads(done("verify", "--json"))
    assert (report["events"], report["problems"]) == (6, [])
    assert done("verify") == f"6 events, sound, digest {report['digest']}\n"


def test_verify_names_a_damaged_event(damaged: int, run: Callable[..., Result]) -> None:
    result = run("verify")
    assert result.exit_code == 5
    assert f"event {damaged} is damaged" in result.stdout
    assert len(json.loads(run("verify", "--json").stdout)["problems"]) == 1


def test_doctor_finds_a_new_store_well(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("doctor", "--json")
    found = {finding["subject"]: finding["level"] for finding in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 0
    assert {found[subject] for subject in ("python", "profile", "store", "indexes", "rights")} == {"ok"}


def test_doctor_works_without_a_store(run: Callable[..., Result]) -> None:
    result = run("doctor")
    assert result.exit_code == 0
    assert "there is no store at eventlite.db; the first append makes one" in result.stdout
    assert not Path("eventlite.db").exists()


def test_doctor_tells_of_indexes_that_differ_from_the_profile(store: list[Event], run: Callable[..., Result]) -> None:
    result = run("doctor", "--profile", "query-optimized")
    assert result.exit_code == 0
    assert "lacks" in result.stdout
    assert "user_datetime" in result.stdout
    assert "eventlite indexes apply" in result.stdout


@pytest.mark.parametrize("arguments", [["--profile", "no-such"], ["--db", "no/such/directory/x.db"]])
def test_doctor_fails_where_something_must_be_mended(arguments: list[str], run: Callable[..., Result]) -> None:
    result = run("doctor", *arguments)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "error" in result.stdout


def test_doctor_warns_of_a_store_that_others_can_read(store: list[Event]) -> None:
    path = Path("eventlite.db")
    assert levels(check_place(path))["rights"] == "ok"
    path.chmod(path.stat().st_mode | stat.S_IROTH)
    assert levels(check_place(path))["rights"] == "warning"


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ((3, 40, 1), "warning"), ((3, 44, 5), "warning"), ((3, 44, 6), "ok"), ((3, 45, 0), "warning"),
        ((3, 50, 6), "warning"), ((3, 50, 7), "ok"),
        ((3, 51, 0), "warning"), ((3, 51, 2), "warning"), ((3, 51, 3), "ok"), ((3, 52, 0), "ok"),
    ],
)  # fmt: skip
def test_doctor_knows_which_sqlite_may_lose_events(version: tuple[int, int, int], level: str) -> None:
    assert [finding.level for finding in check_sqlite(version)] == [level]


def test_the_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    lines = [("/", "ext4"), (tmp_path.parent, "nfs4"), ("/somewhere/else", "tmpfs")]
    mounts.write_text("".join(f"1 2 0:1 / {point} rw shared:1 - {kind} source rw\n" for point, kind in lines))
    assert file_system_type(tmp_path, mounts) == "nfs4"
    assert file_system_type(Path("/"), mounts) == "ext4"
    assert file_system_type(tmp_path, tmp_path / "not there") is None


def test_backup_and_restore_bring_everything_back(store: list[Event], done: Callable[..., str]) -> None:
    sound = done("verify")
    copied = json.loads(done("backup", "copy.db", "--json"))
    assert copied == {"target": str(Path("copy.db").absolute()), "bytes": Path("copy.db").stat().st_size}
    done("append", "later")
    restored = json.loads(done("restore", "copy.db", "--db", "again.db", "--json"))
    assert (restored["events"], restored["replaced"]) == (6, None)
    assert done("verify", "--db", "again.db") == sound
    assert Path("copy.db").exists()


def test_backup_replaces_nothing(store: list[Event], run: Callable[..., Result]) -> None:
    Path("copy.db").write_text("precious")
    result = run("backup", "copy.db")
    assert result.exit_code == 7
    assert "exists already" in result.stderr
    assert Path("copy.db").read_text() == "precious"


def test_backup_needs_a_storage_that_can(tmp_path: Path, run: Callable[..., Result]) -> None:
    profile = tmp_path / "memory.toml"
    profile.write_text('[storage]\nplugin = "memory"\n')
    result = run("backup", "copy.db", "--profile", str(profile))
    assert result.exit_code == 7
    assert "eventlite export" in result.stderr
    assert not Path("copy.db").exists()


def test_restore_refuses_a_store_that_is_there(
    store: list[Event], done: Callable[..., str], run: Callable[..., Result]
) -> None:
    done("backup", "copy.db")
    done("append", "later")
    result = run("restore", "copy.db")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--force" in result.stderr
    assert json.loads(done("stats", "--json"))["events"] == 7


def test_restore_with_force_keeps_what_was_there(
    store: list[Event], done: Callable[..., str], run: Callable[..., Result]
) -> None:
    done("backup", "copy.db")
    done("append", "later")
    replaced = json.loads(run("restore", "copy.db", "--force", "--json").stdout)["replaced"]
    assert json.loads(done("stats", "--json"))["events"] == 6
    assert json.loads(done("stats", "--json", "--db", replaced))["events"] == 7


def test_restore_with_force_leaves_no_log_of_the_old_store_behind(
    store: list[Event], done: Callable[..., str], run: Callable[..., Result]
) -> None:
    done("backup", "copy.db")
    for ending in ("-wal", "-shm"):
        Path(f"eventlite.db{ending}").write_bytes(b"what another process left")
    assert run("restore", "copy.db", "--force").exit_code == 0
    assert not any(Path(f"eventlite.db{ending}").exists() for ending in ("-wal", "-shm"))
    assert done("verify").startswith("6 events, sound")


USING = """
from eventlite import Kernel
with Kernel.from_profile() as kernel:
    print(kernel.head(), flush=True)
    input()
    kernel.append("kept")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows itself moves no open file")
def test_restore_refuses_a_store_that_another_process_has_open(
    store: list[Event], done: Callable[..., str], run: Callable[..., Result]
) -> None:
    done("backup", "copy.db")
    with subprocess.Popen([sys.executable, "-c", USING], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"6\n"
        result = run("restore", "copy.db", "--force")
        assert (result.exit_code, result.stdout) == (6, "")
        assert "eventlite.db is in use" in result.stderr
        user.communicate(b"\n", timeout=60)
    assert user.returncode == 0
    assert not list(Path().glob("*.re*"))  # nothing was moved or left behind
    assert json.loads(done("stats", "--json"))["events"] == 7
    assert run("restore", "copy.db", "--force").exit_code == 0


ABANDONED = """
import os
from eventlite import Kernel
kernel = Kernel.from_profile(storage={"path": "app.db"})
for number in range(30):
    kernel.append("old", {"number": number})
os._exit(9)
"""


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_restore_over_a_leftover_log_is_the_backup(
    force: list[str], store: list[Event], done: Callable[..., str], run: Callable[..., Result]
) -> None:
    done("backup", "copy.db")
    subprocess.run([sys.executable, "-c", ABANDONED], timeout=60, check=False)
    Path("app.db").unlink()
    restored = run("restore", "copy.db", "--db", "app.db", "--json", *force)
    assert restored.exit_code == 0
    assert Path(json.loads(restored.stdout)["replaced"]).name.endswith("-wal")
    assert done("verify", "--db", "app.db") == done("verify")


def test_restore_verifies_what_it_has_put_in_place(
    store: list[Event], done: Callable[..., str], run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    done("backup", "copy.db")
    monkeypatch.setattr(cli_backup, "_COMPANIONS", ())  # so that the log of another store stays
    subprocess.run([sys.executable, "-c", ABANDONED], timeout=60, check=False)
    Path("app.db").unlink()
    result = run("restore", "copy.db", "--db", "app.db")
    assert (result.exit_code, result.stdout) == (5, "")


def test_restore_refuses_a_damaged_backup(damaged: int, done: Callable[..., str], run: Callable[..., Result]) -> None:
    done("backup", "copy.db")
    result = run("restore", "copy.db", "--db", "new.db")
    assert result.exit_code == 5
    assert "event 2 is damaged" in result.stderr
    assert not list(Path().glob("new.db*"))


@pytest.mark.parametrize(("source", "code"), [("missing.db", 3), ("song.db", 8), ("eventlite.db", 1)])
def test_restore_refuses_what_is_no_backup(
    source: str, code: int, store: list[Event], run: Callable[..., Result]
) -> None:
    with sqlite3.connect("song.db") as connection:
        connection.execute("CREATE TABLE song (title)")
    connection.close()
    before = Path("eventlite.db").read_bytes()
    assert run("restore", source, "--force").exit_code == code
    assert Path("eventlite.db").read_bytes() == before
    assert not list(Path().glob("*.restoring"))
