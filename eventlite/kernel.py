"""The kernel: profiles in, five components out, and the order of calls between them.

What it does with them is in its three layers, from the bottom up: `readable`, `writable`, `sourced`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from eventlite import append_hooks
from eventlite.errors import BulkError, StoreClosedError
from eventlite.query import ALL_EVENTS, Query
from eventlite.sourced import Sourced

if TYPE_CHECKING:
    from eventlite.contracts import Bulk, BulkReport, Indexing, JobDispatcher
    from eventlite.plugins import Plugins
    from eventlite.profile import Profile


class Kernel(Sourced):
    """An open event store: append, read, and the components of its profile.

    Safe to use from many threads. Close it, or use it in a `with` block.
    """

    def __init__(self, profile: Profile, plugins: Plugins, *, create: bool = True) -> None:
        from eventlite.opening import open_components
        from eventlite.plugins import ask, component, listeners

        parts = open_components(plugins, create=create)
        super().__init__(
            parts.storage,
            parts.cache,
            verify_reads=profile.verify_reads,
            before=listeners(plugins.manager, "eventlite_before_append"),
            after=listeners(plugins.manager, "eventlite_after_append"),
        )
        self.profile = profile
        self.plugins = plugins
        self.indexes: Indexing = parts.indexes
        self.bulk: Bulk = parts.bulk
        self._closing = listeners(plugins.manager, "eventlite_closing")
        try:
            self.jobs: JobDispatcher = component(plugins, "jobs", settings=plugins.settings["jobs"], host=self)
            self._closed = False
            ask(plugins.manager, "eventlite_opened", kernel=self)
        except BaseException:
            self._closed = True
            if hasattr(self, "jobs"):
                self.jobs.close()
            self.storage.close()
            raise

    @classmethod
    def from_profile(
        cls, profile: str | Path | None = None, *, create: bool = True, **sections: Mapping[str, Any]
    ) -> Self:
        """Open the store of a profile: a built-in name, a path, or None for `EVENTLITE_PROFILE` or "balanced".

        A keyword such as `storage={"path": "app.db"}` merges over that section. With `create=False` a store that is
        not there raises `StoreNotFoundError`. Raises `ProfileError`, `PluginError` or a `StorageError`.
        """
        from eventlite.plugins import load_plugins
        from eventlite.profile import load_profile

        loaded = load_profile(profile, sections)
        return cls(loaded, load_plugins(loaded), create=create)

    def close(self) -> None:
        """Finish what was accepted and release everything. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        append_hooks.notify(self._closing, "while the kernel was closing", kernel=self)
        try:
            if "sourcing" in vars(self):
                self.sourcing.close()
            if "subscriptions" in vars(self):
                self.subscriptions.close()
            self.jobs.close()
        finally:
            self._queue.close()
            self.storage.close()

    def __enter__(self) -> Self:
        if self._closed:
            raise StoreClosedError("the kernel is closed", hint="Open another with Kernel.from_profile().")
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):
            warnings.warn(f"{self!r} was never closed", ResourceWarning, stacklevel=2, source=self)
            self.close()

    def __repr__(self) -> str:
        return f"<Kernel {self.profile.name} {self.profile.sections['storage'].get('path', '')}>"

    def import_file(self, /, path: str | Path, **options: Any) -> BulkReport:
        """Import a file of events; the options are those of `eventlite.contracts.ImportOptions`."""
        from eventlite.contracts.bulk import ImportOptions

        return self.bulk.import_file(self, Path(path), ImportOptions(**options))

    def export_file(self, /, path: str | Path, query: Query = ALL_EVENTS, **options: Any) -> BulkReport:
        """Export matching events to a file; the options are those of `eventlite.contracts.ExportOptions`."""
        from eventlite.contracts.bulk import ExportOptions

        self._refuse_own_file(Path(path))
        return self.bulk.export_file(self, Path(path), query, ExportOptions(**options))

    def _refuse_own_file(self, path: Path) -> None:
        """Not even `force` replaces the store by what is exported from it."""
        own = getattr(self.plugins.settings["storage"], "path", None)
        if own is not None and path.exists() and Path(own).exists() and path.samefile(own):
            raise BulkError(f"{path} is the store itself", hint="Export to another file.")
