"""A file with one line of JSON for each transaction."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from eventlite.errors import CorruptionError, StorageError, StoreFullError


class Journal:
    """Only grows. A last line without its end was never acknowledged, and is cut off."""

    def __init__(self, path: Path, sync: bool) -> None:
        self.path = path
        self._sync = sync
        try:
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise StorageError(f"{path} cannot be opened: {error.strerror}") from error

    def replay(self) -> Iterator[Any]:
        """What was written, in order."""
        self._file.seek(0)
        whole, _, unfinished = self._file.read().rpartition(b"\n")
        if unfinished:
            self._file.truncate(self.size() - len(unfinished))
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                yield orjson.loads(line)
            except orjson.JSONDecodeError as error:
                self.close()
                raise CorruptionError(f"{self.path}, line {number}: {error}") from error

    def write(self, entry: Any) -> None:
        """Add an entry; when it cannot be written whole, nothing stays."""
        size, line = self.size(), orjson.dumps(entry) + b"\n"
        try:
            if self._file.write(line) < len(line):
                raise OSError(errno.ENOSPC, "no space left")  # noqa: TRY301
            if self._sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._file.truncate(size)
            kind = StoreFullError if error.errno == errno.ENOSPC else StorageError
            raise kind(f"{self.path} cannot be written: {error.strerror}") from error

    def size(self) -> int:
        """Bytes."""
        return os.fstat(self._file.fileno()).st_size

    def close(self) -> None:
        """Close the file."""
        self._file.close()
