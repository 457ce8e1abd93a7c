"""A file to import, line by line: decompressed, within limits, in constant memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from eventlite.errors import BulkError
from eventlite_files.compression import DAMAGES, decompressed

#: The path that stands for standard input and output.
STANDARD = Path("-")

_BUFFER = 2**20
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class FileSource:
    """Reads `path`; a line or record may have `max_record_bytes` bytes, everything together `max_total_bytes`."""

    def __init__(self, path: Path, max_record_bytes: int, max_total_bytes: int) -> None:
        self.path = path
        self.max_record_bytes = max_record_bytes
        self.notes: list[str] = []
        self._max_total_bytes = max_total_bytes
        self._file: BinaryIO | None = None

    def note(self, text: str) -> None:
        """Keep a sentence for the report."""
        self.notes.append(text)

    @property
    def size(self) -> int:
        """The bytes of the file as it is stored; 0 where that is unknown."""
        with suppress(OSError):
            return self.path.stat().st_size
        return 0

    @property
    def position(self) -> int:
        """How many of them were read."""
        with suppress(OSError, ValueError):
            return 0 if self._file is None else self._file.tell()
        return 0

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines; raises `BulkError` that names the line where the file is damaged or goes beyond a limit."""
        with self._opened() as file:
            number = total = 0
            stream = decompressed(self.path, file)
            while line := self._line(stream, number + 1):
                number += 1
                total += len(line)
                if total > self._max_total_bytes:
                    raise self._too_large(number, "the file is larger", self._max_total_bytes, "max_total_bytes")
                yield number, _without_mark(self.path, line) if number == 1 else line

    def close(self) -> None:
        """Close the file, if it is open."""
        if self._file is not None:
            self._file.close()

    @contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        if self.path == STANDARD:
            yield sys.stdin.buffer
            return
        try:
            file = self.path.open("rb", _BUFFER)
        except OSError as error:
            raise BulkError(f"{self.path} cannot be read: {error.strerror}") from error
        with file:
            self._file = file
            yield file

    def _line(self, stream: BinaryIO, number: int) -> bytes:
        try:
            line = stream.readline(self.max_record_bytes + 1)
        except DAMAGES as error:
            reason = f"the compressed data is damaged or cut off ({error})"
            raise BulkError(f"{self.path}, line {number}: {reason}") from None
        except OSError as error:
            raise BulkError(f"{self.path}, line {number}: {error.strerror}") from error
        if len(line) > self.max_record_bytes:
            raise self._too_large(number, "it is longer", self.max_record_bytes, "max_line_bytes")
        return line

    def _too_large(self, number: int, what: str, limit: int, setting: str) -> BulkError:
        return BulkError(
            f"{self.path}, line {number}: {what} than {limit:,} bytes",
            hint=f"If that is as it should be, raise `{setting}` in the profile's [bulk] section.",
        )


def _without_mark(path: Path, line: bytes) -> bytes:
    """The first line without byte order mark; raises `BulkError` for that of UTF-16."""
    if line.startswith(_UTF16):
        raise BulkError(
            f"{path}, line 1: the file is UTF-16, not UTF-8", hint="Convert it first, for example by iconv."
        )
    return line.removeprefix(_BOM)
