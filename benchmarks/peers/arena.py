"""What every peer works with: the same events, a place on the same disk, the same scale."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import count, islice
from pathlib import Path
from typing import Any, TypeVar

from eventlite import NewEvent
from eventlite.bench import LeftOut, Scale, Stage
from eventlite.bench.events import made_up_events

_T = TypeVar("_T")


class Arena:
    """One run: `scale` for most races, `large` for those about large stores."""

    def __init__(self, directory: Path, scale: Scale, large: Scale) -> None:
        self.scale = scale
        self.large = large
        self._directory = directory
        self._numbers = count(1)
        self._stages: dict[str, Stage] = {}
        self._shared: dict[str, Any] = {}
        self._open = ExitStack()

    def __enter__(self) -> Arena:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def stage(self, profile: str, scale: Scale, overrides: Mapping[str, Mapping[str, Any]] | None = None) -> Stage:
        """Our stores of one profile; those of equal arguments share the filled one."""
        key = f"{profile} {scale} {overrides}"
        if key not in self._stages:
            stage = Stage(profile, self._directory / f"stage-{len(self._stages)}", scale, overrides=overrides)
            self._stages[key] = self._open.enter_context(stage)
        return self._stages[key]

    def shared(self, name: str, opened: Callable[[], AbstractContextManager[_T]]) -> _T:
        """What contestants of this run share, opened by the first of them and closed at the end."""
        if name not in self._shared:
            self._shared[name] = self._open.enter_context(opened())
        shared: _T = self._shared[name]
        return shared

    @contextmanager
    def place(self) -> Iterator[Path]:
        """A new directory for a peer's store, removed afterwards."""
        place = self._directory / f"peer-{next(self._numbers)}"
        place.mkdir(parents=True)
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)


class Events:
    """Made-up events as they come; every contestant takes the same ones."""

    def __init__(self) -> None:
        self._events = made_up_events()

    def next(self, amount: int) -> list[NewEvent]:
        """So many more."""
        return list(islice(self._events, amount))


def required(module: str) -> Any:
    """Import a peer, or leave it out."""
    if find_spec(module.partition(".")[0]) is None:
        raise LeftOut(f"{module.partition('.')[0]} is not installed: pip install -r benchmarks/requirements.txt")
    return import_module(module)
