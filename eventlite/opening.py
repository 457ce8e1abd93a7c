"""From a profile to the five components."""

from __future__ import annotations

import logging
from typing import Any, NamedTuple

from eventlite.contracts import Bulk, Cache, Indexing, Storage
from eventlite.errors import StoreReadOnlyError
from eventlite.plugins import Plugins, ask, component

logger = logging.getLogger("eventlite")


class Components(NamedTuple):
    """What the plugins made; the job dispatcher comes later, since it needs the kernel."""

    storage: Storage
    indexes: Indexing
    cache: Cache
    bulk: Bulk


def open_components(plugins: Plugins, *, create: bool) -> Components:
    """Make the components in order; the storage is closed again if a later one cannot be made."""
    storage: Storage = component(plugins, "storage", settings=_storage_settings(plugins, create))
    try:
        settings = plugins.settings
        indexes = component(plugins, "indexing", settings=settings["indexing"], storage=storage)
        cache = component(plugins, "caching", settings=settings["caching"])
        formats = ask(plugins.manager, "eventlite_formats")
        bulk = component(plugins, "bulk", settings=settings["bulk"], formats=formats)
        _settle_indexes(storage, indexes)
    except BaseException:
        storage.close()
        raise
    return Components(storage, indexes, cache, bulk)


def _storage_settings(plugins: Plugins, create: bool) -> Any:
    """A storage that has a setting `create` is told when it must not."""
    settings = plugins.settings["storage"]
    if create or "create" not in type(settings).model_fields:
        return settings
    return settings.model_copy(update={"create": False})


def _settle_indexes(storage: Storage, indexes: Indexing) -> None:
    """An empty store gets the profile's indexes; one with events keeps what it has, and the difference is told."""
    missing, extra = indexes.difference()
    if not missing and not extra:
        return
    if storage.head() == 0:
        try:
            indexes.apply()
        except StoreReadOnlyError:
            logger.info("the store is read-only: its indexes stay as they are")
        return
    logger.info(
        "the store's indexes differ from the profile's (missing: %s; extra: %s); `eventlite indexes apply` aligns them",
        ", ".join(missing) or "none",
        ", ".join(extra) or "none",
    )
