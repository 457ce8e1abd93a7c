"""Where figures come from: machine, versions, disk. Without them a figure means nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from time import perf_counter

_SYNCS = 50
_BLOCK = b"\0" * 4096


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine, and the directory that the stores are in."""

    processor: str
    #: Processors that this process may use.
    cores: int
    #: Bytes; None where the machine does not say.
    memory: int | None
    system: str
    python: str
    eventlite: str
    sqlite: str
    file_system: str | None
    #: Microseconds until the disk has confirmed 4 KiB written behind a file: the median, and that of the slowest tenth.
    sync: float
    slow_sync: float
    #: Processes that wanted to run during the minute before; what others do is noise.
    load: float | None


def look_around(directory: Path) -> Surroundings:
    """Describe the machine, and measure the disk of a directory."""
    from eventlite import __version__

    sync, slow_sync = _sync_latency(directory)
    return Surroundings(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory=_memory(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        eventlite=__version__,
        sqlite=sqlite3.sqlite_version,
        file_system=file_system_type(directory),
        sync=sync,
        slow_sync=slow_sync,
        load=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def file_system_type(directory: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """The type of the file system a directory is on, such as `ext4`; None where the machine does not say."""
    if not mounts.exists():
        return None
    real = directory.resolve()
    depth, kind = 0, None
    for line in mounts.read_text(errors="replace").splitlines():
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4].replace("\\040", " "))
        if real.is_relative_to(point) and len(point.parts) >= depth:
            depth, kind = len(point.parts), after.split()[0]
    return kind


def _processor() -> str:
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text(errors="replace").splitlines() if cpus.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _sync_latency(directory: Path) -> tuple[float, float]:
    """Microseconds of a write of 4 KiB with its fsync: the median and the ninth decile."""
    path = directory / f"sync-{os.getpid()}"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    file = os.open(path, flags, 0o600)
    try:
        deciles = quantiles([_sync_once(file) for _ in range(_SYNCS)], n=10)
    finally:
        os.close(file)
        path.unlink()
    return round(deciles[4] * 1e6, 1), round(deciles[8] * 1e6, 1)


def _sync_once(file: int) -> float:
    start = perf_counter()
    os.write(file, _BLOCK)
    if sys.platform == "linux":
        os.fdatasync(file)  # as SQLite does
    else:
        os.fsync(file)
    return perf_counter() - start
