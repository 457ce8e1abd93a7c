"""Kernels to test: both twins, on SQLite and in memory, behind the calls of the synchronous one."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlite import AsyncKernel, Kernel


class Blocking:
    """The asynchronous kernel, or one of its components, called like the synchronous one: the same tests suit both."""

    def __init__(self, target: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._target = target
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if name in ("indexes", "bulk", "jobs", "waits"):
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
                yield self._loop.run_until_complete(anext(items))
            except StopAsyncIteration:
                return


@pytest.fixture(params=["sqlite", "memory", "postgres"])
def sections(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Keyword arguments that open a store of this test on one of the storages."""
    if request.param == "postgres":
        return {"storage": {"plugin": "postgres", **request.getfixturevalue("postgres")}}
    if request.param == "memory":
        return {"storage": {"plugin": "memory"}}
    return {"storage": {"path": str(tmp_path / "kernel.db")}}


@pytest.fixture(params=["sync", "async"])
def kernel(request: pytest.FixtureRequest, sections: dict[str, dict[str, Any]]) -> Iterator[Any]:
    """An open kernel of either kind, on either storage, under the profile `balanced`."""
    if request.param == "sync":
        with Kernel.from_profile("balanced", **sections) as opened:
            yield opened
        return
    loop = asyncio.new_event_loop()
    twin = AsyncKernel.from_profile("balanced", **sections)
    loop.run_until_complete(twin.open())
    try:
        yield Blocking(twin, loop)
    finally:
        loop.run_until_complete(twin.close())
        loop.close()
