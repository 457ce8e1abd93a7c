"""Connections that only read: borrowed for one call, kept for the next."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from eventlite.errors import StoreClosedError
from eventlite_sqlite.failures import translated
from eventlite_sqlite.reading import ConnectionReader

_T = TypeVar("_T")


class Reader(ConnectionReader):
    """One read-only connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.connection = connection


class Readers:
    """As many readers as threads read at once. A list's append and pop are atomic, so taking one needs no lock."""

    def __init__(self, path: Path, connect: Callable[[], sqlite3.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._idle: list[Reader] = []
        self._closed: str | None = None

    def take(self) -> Reader:
        """A reader; give it back."""
        try:
            return self._idle.pop()
        except IndexError:
            return self._open()

    def give(self, reader: Reader) -> None:
        """Keep the reader for the next call."""
        self._idle.append(reader)
        if self._closed is not None:
            self._drain()

    def ask(self, question: Callable[[Reader], _T]) -> _T:
        """The answer of a reader; sqlite3's errors come typed. Cheaper than `borrow`."""
        reader = self.take()
        try:
            return question(reader)
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        finally:
            self.give(reader)

    @contextmanager
    def borrow(self) -> Iterator[Reader]:
        """A reader for a block; sqlite3's errors leave it typed."""
        reader = self.take()
        try:
            yield reader
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        finally:
            self.give(reader)

    @contextmanager
    def fresh(self) -> Iterator[Reader]:
        """A reader of its own, that has prepared nothing yet; sqlite3's errors leave it typed."""
        reader = self._open()
        try:
            yield reader
        except sqlite3.Error as error:
            raise translated(error, self._path) from error
        finally:
            reader.connection.close()

    def close(self) -> None:
        """Close the idle ones now, and those in use when they come back."""
        self._closed = f"the store {self._path} is closed"
        self._drain()

    def abandon(self, reason: str) -> None:
        """In a forked child: refuse all work, and close nothing."""
        self._closed = reason
        self._idle = []

    def _open(self) -> Reader:
        if self._closed is not None:
            raise StoreClosedError(self._closed)
        try:
            return Reader(self._connect())
        except sqlite3.Error as error:
            raise translated(error, self._path) from error

    def _drain(self) -> None:
        while self._idle:
            try:
                self._idle.pop().connection.close()
            except IndexError:  # another thread took the last one
                return
