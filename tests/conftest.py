"""What all tests share.

Set EVENTLITE_TEST_LONG=1 for the longer forms of randomised tests, EVENTLITE_TEST_SEED to repeat one.
"""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import gc
import inspect
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from email import message_from_bytes
from email.message import Message
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from hypothesis import settings

from eventlite import AsyncKernel, Kernel

pytest_plugins = ["eventlite.testing.capabilities", "pytester"]

settings.register_profile("eventlite", deadline=None)  # no test is about time
settings.load_profile("eventlite")

_CHECKOUT = Path(__file__).parents[1]
_ACME = _CHECKOUT / "tests" / "third_party" / "eventlite-acme"
_PACKAGING = ("tests/test_packaging.py", "tests/third_party/")

#: The log of a permit process, 8,577 events, lies beside the checkout, or nowhere; then one like it is made up.
_PERMITS = [folder / "shared" / "data" / "permit-applications.csv" for folder in Path(__file__).parents]
_PERMIT_COLUMNS = {
    "correlation_id": "case:concept:name",
    "cmd": "concept:name",
    "user": "org:resource",
    "datetime": "time:timestamp",
}


class PermitLog(NamedTuple):
    """A CSV file, and which of its columns are fields of an event."""

    path: Path
    mapping: dict[str, str]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "packaging: builds distributions and installs them into a fresh environment")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, a test goes to whichever process is free; those of the distributions to one, which builds them."""
    from xdist.scheduler import LoadScopeScheduling

    class ByTest(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "packaging" if nodeid.startswith(_PACKAGING) else nodeid

    return ByTest(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """With `-n`, reports go to another process as UTF-8, in which what some tests log cannot be written."""
    return _encodable((yield))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {name: _encodable(inner) for name, inner in value.items()}
    return type(value)(map(_encodable, value)) if isinstance(value, list | tuple) else value


def pytest_collection_finish() -> None:
    """What pytest has collected stays to the end: no collection of garbage has to look through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of its own, no settings from outside, and no colours."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("EVENTLITE_") and not name.startswith("EVENTLITE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")


@pytest.fixture(scope="session")
def wait_until() -> Callable[[Callable[[], bool]], None]:
    """Wait until something holds, for less than the longest pause between two looks that any worker can be told."""

    def wait_until(holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 50
        while not holds():
            assert time.monotonic() < deadline, "it did not come about"
            time.sleep(0.02)

    return wait_until


@pytest.fixture
def mail_sink() -> Iterator[Any]:
    """A real SMTP server on loopback, at `.port`: keeps `.letters`, refuses the next `.refusals` of them for now."""
    from aiosmtpd.controller import Controller

    class MailSink(Controller):
        def __init__(self) -> None:
            super().__init__(self, hostname="127.0.0.1", port=0)
            self.letters: list[Message] = []
            self.refusals = 0

        async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
            if self.refusals:
                self.refusals -= 1
                return "451 try again later"
            self.letters.append(message_from_bytes(envelope.content))
            return "250 kept"

        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]  # the one that the system chose
            super()._trigger_server()

    sink = MailSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The DSN of a real PostgreSQL server: EVENTLITE_TEST_POSTGRES_DSN, or one started for this run."""
    from eventlite_postgres.testing import running_server

    given = os.environ.get("EVENTLITE_TEST_POSTGRES_DSN")
    if given:
        yield given
        return
    with running_server() as server:
        yield server.dsn()


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[dict[str, str]]:
    """Settings of a store of this test's own on a real server, for `storage={"plugin": "postgres", **postgres}`."""
    from eventlite_postgres.testing import drop_schema

    schema = f"test_{uuid4().hex[:12]}"
    yield {"dsn": postgres_server, "schema": schema}
    drop_schema(postgres_server, schema)


class Blocking:
    """The asynchronous kernel, or one of its components, called like the synchronous one: the same tests suit both."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name in ("indexes", "bulk", "jobs", "waits", "projections"):
            return Blocking(found, self._loop)
        return self._called(found) if callable(found) else found

    def _called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            if inspect.isawaitable(result):
                return self._loop.run_until_complete(result)
            return self._drained(result) if hasattr(result, "__anext__") else result

        return call

    def _drained(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(_next(items))
            except StopAsyncIteration:
                return


async def _next(items: AsyncIterator[Any]) -> Any:
    """On the loop, of which an asynchronous iterator that is asked elsewhere would never know."""
    return await anext(items)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a test may keep a store."""
    return tmp_path / "events.db"


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def sections(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Keyword arguments that open a store of this test on one of the storages."""
    return _sections(request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def sql_sections(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Keyword arguments that open a store of this test on one of the storages of several processes and with SQL."""
    return _sections(request, tmp_path)


def _sections(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, dict[str, Any]]:
    if request.param == "postgres":
        return {"storage": {"plugin": "postgres", **request.getfixturevalue("postgres")}}
    if request.param == "memory":
        return {"storage": {"plugin": "memory"}}
    return {"storage": {"path": str(tmp_path / "kernel.db")}}


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open a kernel of either kind under the profile `balanced`; both are called alike."""
    opened: list[Any] = []
    loop = asyncio.new_event_loop()

    def open_twin(sections: dict[str, dict[str, Any]]) -> Any:
        if request.param == "sync":
            opened.append(Kernel.from_profile("balanced", **sections))
            return opened[-1]
        twin = AsyncKernel.from_profile("balanced", **sections)
        loop.run_until_complete(twin.open())
        opened.append(Blocking(twin, loop))
        return opened[-1]

    yield open_twin
    for kernel in opened:
        kernel.close()
    loop.close()


@pytest.fixture
def kernel(twin: Callable[..., Any], sections: dict[str, dict[str, Any]]) -> Any:
    """An open kernel of either kind, on every storage."""
    return twin(sections)


@pytest.fixture(scope="session")
def permit_log(made_up_permit_log: PermitLog) -> PermitLog:
    """The real log, if it is there."""
    return next((PermitLog(path, _PERMIT_COLUMNS) for path in _PERMITS if path.is_file()), made_up_permit_log)


@pytest.fixture(scope="session")
def made_up_permit_log(tmp_path_factory: pytest.TempPathFactory) -> PermitLog:
    """900 events of 120 cases."""
    path, dice = tmp_path_factory.mktemp("permits") / "permits.csv", random.Random(3)
    beginning = dt.datetime(2011, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    moments = sorted(beginning + dt.timedelta(hours=dice.randrange(4_000)) for _ in range(900))
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*_PERMIT_COLUMNS.values(), "case:department"])
        for moment in moments:
            case = dice.randrange(120)
            department = ("General", "Other")[case % 2]
            writer.writerow([f"case-{case}", f"T{dice.randrange(20)}", "r", moment.isoformat(), department])
    return PermitLog(path, _PERMIT_COLUMNS)


@pytest.fixture(scope="session")
def long() -> bool:
    return os.environ.get("EVENTLITE_TEST_LONG") == "1"


@pytest.fixture
def dice() -> random.Random:
    """Randomness whose seed a failure shows."""
    seed = int(os.environ.get("EVENTLITE_TEST_SEED", random.randrange(2**32)))
    print(f"seed: EVENTLITE_TEST_SEED={seed}")
    return random.Random(seed)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a program, given as text, in a process of its own; `wrapper` is put before the command."""
    running: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        program = tmp_path / f"program-{len(running)}.py"
        program.write_text(source, encoding="utf-8")
        command = [*wrapper, sys.executable, str(program), *map(str, arguments)]
        pipe = subprocess.PIPE
        running.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=tmp_path))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def run_elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command outside of the checkout, with nothing of this interpreter's surroundings; it has to succeed."""
    ours = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environ = {name: text for name, text in os.environ.items() if not name.startswith("EVENTLITE") and name not in ours}
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*command: object, cwd: Path = elsewhere) -> subprocess.CompletedProcess[str]:
        arguments = [str(part) for part in command]
        done = subprocess.run(arguments, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def distributions(
    tmp_path_factory: pytest.TempPathFactory, run_elsewhere: Callable[..., subprocess.CompletedProcess[str]]
) -> Path:
    """A directory with the source distribution, the wheel built from it, and the wheel of a third party's plugins."""
    target = tmp_path_factory.mktemp("distributions")
    # With its backend at hand there is no need to fetch it once more for each of the three.
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    run_elsewhere(sys.executable, "-m", "build", *isolation, "--outdir", target, _CHECKOUT)
    run_elsewhere(sys.executable, "-m", "build", *isolation, "--wheel", "--outdir", target, _ACME)
    return target


@pytest.fixture(scope="session")
def fresh_python(
    distributions: Path,
    tmp_path_factory: pytest.TempPathFactory,
    run_elsewhere: Callable[..., subprocess.CompletedProcess[str]],
) -> Path:
    """The interpreter of a new environment that pip has installed both wheels into, and what contract suites need."""
    folder = tmp_path_factory.mktemp("environment")
    run_elsewhere(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    needed = ("pytest", "pytest-timeout", "hypothesis", "psycopg[binary,pool]", "procrastinate")
    pip = (sys.executable, "-m", "pip", "--python", python)  # its own would take longer to install than to use
    run_elsewhere(*pip, "install", "--quiet", "--no-compile", *distributions.glob("*.whl"), *needed)
    return python
