"""Every hook: first those of a kernel, in the order in which it calls them. Implement one with `eventlite.hookimpl`.

The five makers answer for their concern and may be wrapped by an extension (`hookimpl(wrapper=True)`): metrics around a
storage, encryption around a cache. All other hooks are called for every plugin that has one, but for
`eventlite_scratch_store`, which only the storage of the profile is asked. Hooks are called once per batch, never per
event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import pluggy

from eventlite.event import Event, NewEvent

if TYPE_CHECKING:
    import click

    from eventlite.bench.workload import Workload
    from eventlite.contracts import Bulk, Cache, Format, Host, Indexing, JobDispatcher, Storage
    from eventlite.kernel import Kernel

hookspec = pluggy.HookspecMarker("eventlite")
hookimpl = pluggy.HookimplMarker("eventlite")


class Finding(NamedTuple):
    """What one doctor check found: how bad it is, what was checked, and what to do about it."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str


# The five makers. `settings` is the section of the profile, as an instance of the plugin's own `Settings` model.


@hookspec(firstresult=True)
def eventlite_make_storage(settings: Any) -> Storage | None:
    """Open the storage. Called first, once per kernel."""


@hookspec(firstresult=True)
def eventlite_make_indexing(settings: Any, storage: Storage) -> Indexing | None:
    """Make the index policy for an open storage."""


@hookspec(firstresult=True)
def eventlite_make_cache(settings: Any) -> Cache | None:
    """Make the cache."""


@hookspec
def eventlite_formats() -> Iterable[Format]:  # type: ignore[empty-body]
    """File formats to offer to bulk input and output; `[bulk] formats` picks among them by name."""


@hookspec(firstresult=True)
def eventlite_make_bulk(settings: Any, formats: Sequence[Format]) -> Bulk | None:
    """Make bulk input and output over the formats of all plugins."""


@hookspec(firstresult=True)
def eventlite_make_jobs(settings: Any, host: Host) -> JobDispatcher | None:
    """Make the job dispatcher."""


@hookspec
def eventlite_opened(kernel: Kernel) -> None:
    """After a kernel is ready. Raising refuses the opening."""


@hookspec
def eventlite_before_append(events: list[NewEvent]) -> None:
    """Before a batch is encoded. May change, replace, add and drop events in the list; raising refuses it."""


@hookspec
def eventlite_after_append(events: Sequence[Event]) -> None:
    """After a batch is committed. An error here is logged: the events stay."""


@hookspec
def eventlite_closing(kernel: Kernel) -> None:
    """Before a kernel closes. An error here is logged."""


@hookspec
def eventlite_commands(cli: click.Group) -> None:
    """Add commands to the command line."""


@hookspec
def eventlite_doctor(kernel: Kernel) -> Iterable[Finding]:  # type: ignore[empty-body]
    """Check whatever the plugin depends on, for `eventlite doctor`."""


@hookspec
def eventlite_workloads() -> Iterable[Workload]:  # type: ignore[empty-body]
    """Workloads to measure with `eventlite bench`, under every profile that names the extension."""


@hookspec(firstresult=True)
def eventlite_scratch_store(settings: Any, place: Path) -> AbstractContextManager[Mapping[str, Any]] | None:
    """Settings to change so that they name a new store, empty and gone at the end of the block, as on the same server.

    Asked of the storage that the profile names; one with a setting `path` needs no such hook, since `place` is an empty
    directory. `eventlite bench` measures there.
    """
