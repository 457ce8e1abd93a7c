"""Where workloads run: the stores of one profile, in a directory that is removed afterwards."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from itertools import count, islice
from pathlib import Path
from typing import Any

from eventlite.bench.events import made_up_events
from eventlite.drafting import draft_batch
from eventlite.errors import EventLiteError
from eventlite.event import Event, NewEvent
from eventlite.kernel import Kernel

#: Made-up time: when the first event of a filled store was recorded, 2024-01-01 UTC in microseconds, ...
_BEGINNING = 1_704_067_200_000_000
#: ... and for every `_SAME_MOMENT` events it moves on by a minute.
_MINUTE = 60_000_000
_SAME_MOMENT = 100
_PER_COMMIT = 10_000


@dataclass(frozen=True, slots=True)
class Scale:
    """How much is measured: the events of a filled store and of a bulk load, and how often everything is repeated."""

    events: int = 100_000
    rounds: int = 5

    @property
    def appends(self) -> int:
        """Appends, one by one, in a round."""
        return max(10, min(2_000, self.events // 50))

    @property
    def reads(self) -> int:
        """Small reads in a round."""
        return max(10, min(5_000, self.events // 20))


class Filled:
    """A store with events, recorded a minute apart for every hundred."""

    def __init__(self, kernel: Kernel, events: Iterator[NewEvent] | None = None) -> None:
        self.kernel = kernel
        self.size = 0
        self._events = made_up_events() if events is None else events
        self._chance = random.Random(11)  # noqa: S311

    def fill(self, size: int) -> None:
        """Append until there are `size` events."""
        storage = self.kernel.storage
        with storage.bulk_load(size - self.size):
            while self.size < size:
                requests = []
                for start in range(self.size, min(size, self.size + _PER_COMMIT), _SAME_MOMENT):
                    events = list(islice(self._events, min(_SAME_MOMENT, size - start)))
                    requests.append(draft_batch(events, recorded=_BEGINNING + start // _SAME_MOMENT * _MINUTE))
                storage.commit(requests)
                self.size += sum(len(request.drafts) for request in requests)

    def sample(self, amount: int) -> list[Event]:
        """Events from all over the store, none twice."""
        head = self.kernel.head()
        found = (self._behind(int(self._chance.random() * head)) for _ in range(amount))
        return list({event.id: event for event in found}.values())

    def _behind(self, position: int) -> Event:
        return next(self.kernel.read(after=position, limit=1))


class Stage:
    """The stores of one profile. `label` is what the profile is called in the results."""

    def __init__(
        self,
        profile: str | Path | None,
        directory: Path,
        scale: Scale,
        *,
        label: str = "",
        overrides: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        from eventlite.plugins import load_plugins, scratch_stores
        from eventlite.profile import load_profile

        self.profile = profile
        self.scale = scale
        loaded = load_profile(profile, overrides)
        self.label = label or loaded.name
        self.plugins = load_plugins(loaded)
        self._directory = directory
        self._overrides: dict[str, Any] = dict(overrides or {})
        self._scratch = scratch_stores(self.plugins)
        self._numbers = count(1)
        self._events = made_up_events()
        self._open = ExitStack()
        if self._scratch is None:
            self._refuse_a_store_in_use()

    def close(self) -> None:
        """Close what is shared."""
        self._open.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def events(self, amount: int) -> list[NewEvent]:
        """So many made-up events; ten in a row share a correlation id."""
        return list(islice(self._events, amount))

    def place(self) -> Path:
        """A new, empty directory on the disk that is measured."""
        place = self._directory / f"{next(self._numbers)}"
        place.mkdir(parents=True)
        return place

    @contextmanager
    def store(self) -> Iterator[dict[str, Any]]:
        """What to hand to `from_profile` besides the profile, so that it opens a new store; gone after the block.

        A storage that makes no store of its own for this has the one that the profile names.
        """
        place = self.place()
        try:
            with nullcontext({}) if self._scratch is None else self._scratch(place) as changes:
                yield {**self._overrides, "storage": {**self._overrides.get("storage", {}), **changes}}
        finally:
            shutil.rmtree(place, ignore_errors=True)

    @contextmanager
    def fresh(self) -> Iterator[Kernel]:
        """A kernel over a new store, which is removed at the end of the block."""
        with self.store() as sections, Kernel.from_profile(self.profile, **sections) as kernel:
            yield kernel

    @cached_property
    def filled(self) -> Filled:
        """A store of `scale.events` events, shared by all workloads: do not close it."""
        filled = Filled(self._open.enter_context(self.fresh()))
        filled.fill(self.scale.events)
        return filled

    def _refuse_a_store_in_use(self) -> None:
        with Kernel.from_profile(self.profile, **self._overrides) as kernel:
            if kernel.storage.capabilities.persistent and kernel.head():
                raise EventLiteError(
                    f"the store of profile {self.label} has events, and the benchmark would add its own",
                    hint="Name a profile whose store is empty; everything that is measured stays there.",
                )
