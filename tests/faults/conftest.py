"""What the fault tests share: kernels that are closed again, and programs that run beside the test.

Set EVENTLITE_TEST_LONG=1 for the longer forms: more rounds, and every point of a kind instead of a sample.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import eventlite
from eventlite import Kernel

_NOBODY = 65534

#: Everything is imported before the rights are given up, since the interpreter may lie where nobody may look.
_GIVE_UP_RIGHTS = f"""
import os, sys, tempfile, logging, traceback
from eventlite import Condition, Kernel, NewEvent, Query
from eventlite.errors import *
with tempfile.TemporaryDirectory() as scratch:
    with Kernel.from_profile(storage={{"path": scratch + "/events.db"}}) as kernel:
        kernel.append("warmedUp")
        list(kernel.read())
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid({_NOBODY})
    os.setuid({_NOBODY})
"""


@pytest.fixture
def open_kernel() -> Iterator[Callable[..., Kernel]]:
    """Open a kernel on a path, with settings of its storage as keywords."""
    with ExitStack() as stack:

        def open_kernel(path: Path, profile: str = "balanced", **settings: Any) -> Kernel:
            return stack.enter_context(Kernel.from_profile(profile, storage={"path": str(path), **settings}))

        yield open_kernel


@pytest.fixture
def run(start: Callable[..., subprocess.Popen[str]]) -> Callable[..., str]:
    """Run a program, which has to succeed, and return what it printed."""

    def run(source: str, *arguments: object, wrapper: tuple[str, ...] = ()) -> str:
        process = start(source, *arguments, wrapper=wrapper)
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        return output

    return run


@pytest.fixture
def run_unprivileged(run: Callable[..., str]) -> Callable[..., str]:
    """Run a program whose rights the modes of files limit, whoever runs the tests."""
    home = Path(eventlite.__file__).parent
    if os.geteuid() == 0 and not all(folder.stat().st_mode & 0o001 for folder in (home, *home.parents)):
        pytest.skip(f"run by root, and no other user may enter {home}")
    return lambda source, *arguments: run(_GIVE_UP_RIGHTS + source, *arguments)


@pytest.fixture
def public_dir() -> Iterator[Path]:
    """A directory that everybody may enter."""
    directory = Path(tempfile.mkdtemp(prefix="eventlite-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)
