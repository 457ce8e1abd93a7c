"""Servers of test runs that were killed: the next run ends them, and no others."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from eventlite_postgres import leftovers
from eventlite_postgres.testing import server_directory

_Start = Callable[..., subprocess.Popen[str]]

_OWNER = """
import sys
from eventlite_postgres.testing import running_server
with running_server() as server:
    pid = (server.data / "postmaster.pid").read_text().split()[0]
    print(pid, server.directory, flush=True)
    sys.stdin.readline()
"""


def running(pid: str) -> bool:
    return leftovers._began(int(pid)) is not None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells when a process began")
def test_what_a_killed_run_left_is_removed_and_what_is_in_use_stays(start: _Start) -> None:
    owners = [start(_OWNER) for _ in range(2)]
    found = []
    for owner in owners:
        assert owner.stdout is not None
        found.append(owner.stdout.readline().split())
    (left, left_place), (used, used_place) = found
    owners[0].kill()
    owners[0].wait()
    assert running(left)  # nobody stopped it
    with server_directory():
        assert (running(left), Path(left_place).exists()) == (False, False)
        assert (running(used), Path(used_place).exists()) == (True, True)
    assert owners[1].communicate("stop", timeout=60)
    assert (running(used), Path(used_place).exists()) == (False, False)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells when a process began")
def test_a_directory_that_names_no_owner_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine, other, foreign, dead = (leftovers.new_directory() for _ in range(4))
    (other / "owner").unlink()
    (foreign / "owner").write_text("1 0 pid:[1]")
    gone = f"1 0 {(mine / 'owner').read_text().split()[2]}"
    (dead / "owner").write_text(gone)
    target = tmp_path / "target"
    target.mkdir()
    (target / "owner").write_text(gone)
    (tmp_path / "evpg-link").symlink_to(target)
    leftovers.remove_leftovers()
    assert set(tmp_path.iterdir()) == {mine, other, foreign, target, tmp_path / "evpg-link"}
