"""`backup` and `restore`: a copy of the store, and the way back."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from eventlite.cli.context import Options, open_kernel, options_of, store_path
from eventlite.cli.output import note, print_json, print_line, safe, several, size
from eventlite.errors import CorruptionError, EventLiteError, StorageError, StoreBusyError

# What databases in one file keep beside it. It belongs to that file: under a new one it would be taken for its own.
_COMPANIONS = ("-wal", "-shm", "-journal")

# Where in its shared memory SQLite shows that a database with a write-ahead log is open (`UNIX_SHM_DMS`).
_OPEN_BYTE = 128


@click.command("backup")
@click.argument("target", type=click.Path(path_type=Path))
@click.pass_context
def backup(ctx: click.Context, target: Path) -> None:
    """Write a consistent copy of the store to TARGET, while the store is in use. TARGET must not exist.

    Example: eventlite backup /mnt/backup/monday.db
    """
    with open_kernel(ctx) as kernel:
        if not kernel.storage.capabilities.backup:
            raise StorageError("this storage makes no backups itself", hint="Use `eventlite export`, or its own tools.")
        kernel.storage.backup(target)
    length = target.stat().st_size
    if options_of(ctx).json:
        print_json({"target": str(target.absolute()), "bytes": length})
    else:
        print_line(f"{safe(str(target))}  {size(length)}")


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the store that is there; it is kept beside, under another name.")
@click.pass_context
def restore(ctx: click.Context, source: Path, force: bool) -> None:
    """Check a backup and put a copy of it where the store is. Stop whatever uses the store first: it is refused else.

    Example: eventlite restore /mnt/backup/monday.db --db app.db
    """
    options = options_of(ctx)
    target = _target(options, source, force)
    staged = target.with_name(f"{target.name}.restoring")
    try:
        with _unused(target):
            events, digest = _copy_if_sound(options, source, staged)
            replaced = _put_in_place(staged, target)
        _check_restored(options, target, digest)
    finally:
        staged.unlink(missing_ok=True)
    if options.json:
        print_json(
            {
                "source": str(source.absolute()),
                "target": str(target.absolute()),
                "events": events,
                "digest": digest,
                "replaced": None if replaced is None else str(replaced.absolute()),
            }
        )
    else:
        print_line(f"{safe(str(target))}  {several(events, 'event')}, digest {digest}")
        if replaced is not None:
            note(f"What was there is now {replaced}")


def _target(options: Options, source: Path, force: bool) -> Path:
    """Where to restore to. Raises `EventLiteError` if that is no place for it."""
    target = store_path(options)
    if target is None:
        raise StorageError("this storage has no path to restore to", hint="Use `eventlite import`, or its own tools.")
    if target.exists() and source.exists() and target.samefile(source):
        raise EventLiteError(f"{source} is the store itself", hint="Name another backup, or another store with --db.")
    if target.exists() and not force:
        raise EventLiteError(f"{target} exists already", hint="--force replaces it and keeps it under another name.")
    return target


@contextmanager
def _unused(target: Path) -> Iterator[None]:
    """A block in which no process has the store open. Raises `StoreBusyError` if one has.

    It would go on in the file that is moved aside, and what it stores there would be missed. SQLite holds a lock on one
    byte of the file of shared memory for as long as a store is open, and waits for ours. Windows moves no open file.
    """
    if os.name == "nt":
        yield
        return
    import fcntl

    try:
        memory = target.with_name(f"{target.name}-shm").open("r+b")
    except FileNotFoundError:  # nobody has it open
        yield
        return
    with memory:
        try:
            fcntl.lockf(memory, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _OPEN_BYTE)
        except (BlockingIOError, PermissionError):  # which of them differs by system
            raise StoreBusyError(f"{target} is in use", hint="Stop the programs that use it, then restore.") from None
        yield


def _copy_if_sound(options: Options, source: Path, staged: Path) -> tuple[int, str]:
    """Copy the backup if it is a sound store; returns its number of events and its digest."""
    from eventlite.kernel import Kernel

    staged.unlink(missing_ok=True)
    with Kernel.from_profile(options.profile, create=False, storage={"path": source}) as kernel:
        report = kernel.verify()
        if report.problems:
            raise CorruptionError(
                f"{source} is damaged: {report.problems[0]}", hint=f"`eventlite verify --db {source}` tells everything."
            )
        kernel.storage.backup(staged)
    return report.events, report.digest


def _put_in_place(staged: Path, target: Path) -> Path | None:
    """Give the copy its name; returns where the store, or the log without one, that had it is now."""
    replaced = target.with_name(f"{target.name}.replaced-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}")
    present = [ending for ending in ("", *_COMPANIONS) if target.with_name(target.name + ending).exists()]
    for ending in present:
        target.with_name(target.name + ending).rename(replaced.with_name(replaced.name + ending))
    staged.rename(target)
    return replaced.with_name(replaced.name + present[0]) if present else None


def _check_restored(options: Options, target: Path, digest: str) -> None:
    """Raise `CorruptionError` unless the store, as it is opened from now on, is what was in the backup."""
    from eventlite.kernel import Kernel

    with Kernel.from_profile(options.profile, create=False, storage={"path": target}) as kernel:
        report = kernel.verify()
    if report.problems or report.digest != digest:
        problem = report.problems[0] if report.problems else "its events are not those of the backup"
        raise CorruptionError(
            f"{target} was restored, but {problem}", hint="Close whatever else uses the store, and restore again."
        )
