"""What a killed test run leaves: servers that nobody stops, and their directories. The next run removes them.

A directory says who made it: the number of a process, when that began, since numbers come again, and where it counts.
Only Linux tells when a process began; elsewhere nothing is noted, and nothing removed.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

#: What the names of all directories begin with. Short: the path of a socket has 107 bytes at most.
PREFIX = "evpg-"

_OWNER = "owner"

#: Seconds for a killed server to be gone.
_PATIENCE = 10.0


def new_directory(kind: str = "") -> Path:
    """A new directory that names this process as its owner, and that others may enter."""
    directory = Path(tempfile.mkdtemp(prefix=PREFIX + kind))
    directory.chmod(0o755)
    began = _began(os.getpid())
    if began is not None:
        (directory / _OWNER).write_text(f"{os.getpid()} {began} {_world()}", encoding="ascii")
    return directory


def remove_leftovers() -> None:
    """Remove the directories that this user's dead processes made, and kill the servers that run in them."""
    for directory in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_left(directory):
            _kill_server(directory / "data")
            shutil.rmtree(directory, ignore_errors=True)


def kill(pid: int) -> None:
    """Kill -9 a server, with all of its processes: each of them is a leader of its own."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    for process in (pid, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def _is_left(directory: Path) -> bool:
    """Whether its owner is gone. A note of another user, or of another container, says nothing to us."""
    try:
        note = directory / _OWNER
        if directory.is_symlink() or note.lstat().st_uid != os.geteuid():
            return False
        pid, began, world = note.read_text(encoding="ascii").split()
        return world == _world() and _began(int(pid)) != began
    except (OSError, ValueError):  # not ours, or somebody removes it just now
        return False


def _began(pid: int) -> str | None:
    """When a process began, in ticks since the machine did; None if it does not run, or there is no way to know."""
    try:
        about = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if about[0] == "Z" else about[19]


def _world() -> str:
    """In which namespace a number means the process that it means here."""
    return str(Path("/proc/self/ns/pid").readlink())


def _kill_server(data: Path) -> None:
    with suppress(OSError, ValueError):
        pid = int((data / "postmaster.pid").read_text(encoding="ascii").split("\n")[0])
        if str(data).encode() not in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return  # the number is somebody else's by now
        kill(pid)
        _await_end(pid)


def _await_end(pid: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while _began(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
