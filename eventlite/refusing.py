"""A time in which one thread may not append."""

from __future__ import annotations

from collections.abc import Callable
from threading import get_ident
from types import TracebackType

from eventlite.errors import EventLiteError


class Refusing:
    """A block in which the thread that enters it is refused; blocks may stand within blocks.

    `refused` says, by thread, what makes the error.
    """

    __slots__ = ("_before", "_refused", "_told")

    def __init__(self, refused: dict[int, Callable[[], EventLiteError]], told: Callable[[], EventLiteError]) -> None:
        self._refused = refused
        self._told = told

    def __enter__(self) -> None:
        thread = get_ident()
        self._before = self._refused.get(thread)
        self._refused[thread] = self._told

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._before is None:
            del self._refused[get_ident()]
        else:
            self._refused[get_ident()] = self._before
