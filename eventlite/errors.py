"""Every error EventLite raises on purpose.

All of them are an `EventLiteError`. A message says what is wrong and where; `hint`, when there is one, says how to
mend it and is part of `str(error)`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class EventLiteError(Exception):
    """The base of every error that EventLite raises on purpose."""

    #: What a bulk append, import or export had done before it failed: a `BulkReport`.
    report: Any = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message if hint is None else f"{message}\n  {hint}")
        self.message = message
        self.hint = hint


class _AtEventError(EventLiteError):
    """An error that can name the event it is about; `position` is the id of that event, None where it is not known."""

    def __init__(self, message: str, *, hint: str | None = None, position: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.position = position


class InvalidEventError(EventLiteError, ValueError):
    """An event that cannot be stored, or read as a class, as it is: nothing of its batch was stored."""


class InvalidQueryError(EventLiteError, ValueError):
    """A query, condition, position or cursor that cannot be answered as it is."""


class ConflictError(_AtEventError):
    """An append that was refused because the store holds something it did not expect.

    `position` is the id of the event that stands in the way, where there is one.
    """


class ProfileError(EventLiteError):
    """A profile, environment variable or keyword that cannot be used; names the file and the dotted key."""


class PluginError(EventLiteError):
    """A plugin that is missing, ambiguous, broken or made for another contract."""


class StorageError(EventLiteError):
    """The store cannot do what was asked; the other storage errors are kinds of it."""


class StoreNotFoundError(StorageError):
    """There is no store at the given place, and this operation does not create one."""


class StoreClosedError(StorageError):
    """The store was closed, or belongs to the process that this one was forked from."""


class StoreBusyError(StorageError):
    """Another writer held the store for longer than the configured time; nothing was written."""


class StoreReadOnlyError(StorageError):
    """The file or its directory cannot be written; reads work."""


class StoreFullError(StorageError):
    """There is no space left; nothing was written, reads work, and appends work again once there is space."""


class ForeignFileError(StorageError):
    """The file is not an EventLite store of this kind; it was left untouched."""


class SchemaVersionError(StorageError):
    """The store was written by a newer EventLite; it was left untouched."""


class CorruptionError(_AtEventError, StorageError):
    """Stored bytes are not what was written. `position` is the id of the event, where it is known."""


class UnknownOutcomeError(StorageError):
    """The append may or may not have been committed; append again with the same `key` to find out."""


class HandlerError(_AtEventError):
    """A handler raised: one inside an append's transaction, so that nothing was stored, or one of a projection.

    `__cause__` is why, `position` the id of the event it was called with, where it is known.
    """


class ProjectionError(EventLiteError):
    """A projection that cannot be made, found, rebuilt or read as asked."""


class UpcastError(_AtEventError):
    """An upcaster that cannot be registered, or that failed on an event; `position` is the id of that event."""


class BulkError(EventLiteError):
    """An import or export that could not go on; `report` says what was done before."""

    def __init__(self, message: str, *, hint: str | None = None, report: Any = None) -> None:
        super().__init__(message, hint=hint)
        self.report = report


class SubscriptionError(EventLiteError):
    """A subscription that there is not, or that cannot be used as asked."""


class SubscriptionPausedError(_AtEventError, SubscriptionError):
    """A handler raised, and its subscription is paused at that event, `position`. `__cause__` is what it raised."""


class JobError(EventLiteError):
    """A job that cannot be enqueued, run or cancelled as asked."""


def shown(value: object, length: int = 80) -> str:
    """How a value stands in a message: its `repr`, cut short, or its type when it cannot be shown."""
    try:
        text = repr(value)
    except Exception:
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= length else text[: length - 3] + "..."


def closest(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, None when none is like it."""
    from difflib import get_close_matches  # needed only when something went wrong

    return next(iter(get_close_matches(str(word), list(known), 1)), None)


def did_you_mean(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, as a question."""
    meant = closest(word, known)
    return None if meant is None else f"Did you mean {meant!r}?"


def suggestion(word: object, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or else all of them; None when there are none."""
    words = list(known)
    return did_you_mean(word, words) or (f"Known: {', '.join(words)}." if words else None)
