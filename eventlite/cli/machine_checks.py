"""What the machine is like, as far as a store depends on it: versions, file system, space, rights."""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

from eventlite.bench.surroundings import file_system_type
from eventlite.cli.output import size
from eventlite.hookspecs import Finding

# File systems where locks, and so a database file, cannot be relied on.
_REMOTE = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "fuse.sshfs",
    "9p",
    "afs",
    "ceph",
    "fuse.glusterfs",
    "vboxsf",
    "virtiofs",
}
_IN_MEMORY = {"tmpfs", "ramfs"}

# Below this a disk is nearly full.
_LITTLE = 256 * 2**20


def check_python() -> Iterator[Finding]:
    """Which Python this is."""
    yield Finding("ok", "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")


def check_sqlite(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> Iterator[Finding]:
    """Whether the SQLite library has the mend for the WAL-reset bug."""
    text = ".".join(map(str, version))
    mended = version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    if mended:
        yield Finding("ok", "sqlite", text)
        return
    yield Finding(
        "warning",
        "sqlite",
        f"{text} can, very rarely, lose events when two processes write and checkpoint at the same instant; "
        "EventLite avoids that instant, 3.51.3 (or 3.50.7, 3.44.6) is free of it",
    )


def check_place(path: Path) -> Iterator[Finding]:
    """The file system, the space and the rights where the store is or would be."""
    directory = path.absolute().parent
    if not directory.is_dir():
        yield Finding("error", "directory", f"{directory} does not exist")
        return
    yield _file_system(directory)
    yield _space(path, directory)
    yield from _rights(path, directory)


def _file_system(directory: Path) -> Finding:
    kind = file_system_type(directory)
    if kind in _REMOTE:
        return Finding(
            "warning", "file system", f"{kind} is remote, its locks may fail: keep the store on a local disk"
        )
    if kind in _IN_MEMORY:
        return Finding("warning", "file system", f"{kind} is kept in memory: the store is gone after a restart")
    return Finding("ok", "file system", kind or f"not known on {sys.platform}")


def _space(path: Path, directory: Path) -> Finding:
    free = shutil.disk_usage(directory).free
    needed = path.stat().st_size if path.is_file() else 0
    if free < max(_LITTLE, needed):
        return Finding("warning", "free space", f"only {size(free)} are left: appends and backups may soon fail")
    return Finding("ok", "free space", size(free))


def _rights(path: Path, directory: Path) -> Iterator[Finding]:
    if not os.access(directory, os.W_OK):
        yield Finding("warning", "rights", f"{directory} cannot be written: reads work, appends are refused")
    if not path.is_file():
        return
    if not os.access(path, os.W_OK):
        yield Finding("warning", "rights", f"{path} cannot be written: reads work, appends are refused")
    if path.stat().st_mode & 0o077:
        yield Finding("warning", "rights", f"others on this machine may read {path}: chmod 600 {path}")
    else:
        yield Finding("ok", "rights", "only its owner can read it")
