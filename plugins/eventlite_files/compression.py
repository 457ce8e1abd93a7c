"""gzip and zstd, told by the last suffix of a file."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, cast

from eventlite.errors import BulkError

SUFFIXES = (".gz", ".zst")

_BUFFER = 2**20

# Compressed bytes taken in at a time: even the densest 512 of a hostile file become no more than 16 MiB.
_ZSTD_STEP = 512


class DamagedError(Exception):
    """Compressed data that is damaged, or that ends too early."""


#: What reading a damaged file may raise.
DAMAGES = (DamagedError, gzip.BadGzipFile, zlib.error, EOFError)


def decompressed(path: Path, raw: BinaryIO) -> BinaryIO:
    """The content of a file, whatever its last suffix says; raises one of `DAMAGES` where it is damaged."""
    match path.suffix.lower():
        case ".gz":
            return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=raw)), _BUFFER)
        case ".zst":
            return io.BufferedReader(_ZstdReader(path, raw), _BUFFER)
        case _:
            return raw


@contextmanager
def compressed(path: Path, raw: BinaryIO) -> Iterator[BinaryIO]:
    """A stream whose content reaches `raw` compressed, as the last suffix says; equal content gives equal bytes."""
    writer = _compressor(path, raw)
    if writer is None:
        yield raw
        return
    buffer = io.BufferedWriter(writer, _BUFFER)
    try:
        yield buffer
    except BaseException:
        with suppress(OSError):  # what went wrong first is what counts
            buffer.close()
        raise
    buffer.close()


def _compressor(path: Path, raw: BinaryIO) -> Any:
    match path.suffix.lower():
        case ".gz":
            return gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0)
        case ".zst":
            return _zstandard(path).ZstdCompressor().stream_writer(raw, closefd=False)
        case _:
            return None


class _ZstdReader(io.RawIOBase):
    """Decompresses frame after frame; unlike the library's own reader it tells a file that was cut off."""

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        self._library = _zstandard(path)
        self._raw = raw
        self._frame: Any = None
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._step():
                return 0
        with memoryview(buffer) as target:
            size = min(len(target), len(self._ready))
            target[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

    def _step(self) -> bool:
        """Take in more; False at the end."""
        rest = self._frame.unused_data if self._frame is not None and self._frame.eof else b""
        data = rest or self._raw.read(_ZSTD_STEP)
        if not data:
            if self._frame is not None and not self._frame.eof:
                raise DamagedError("it ends too early")
            return False
        if self._frame is None or self._frame.eof:
            self._frame = self._library.ZstdDecompressor().decompressobj()
        try:
            self._ready = memoryview(self._frame.decompress(data))
        except self._library.ZstdError as error:
            raise DamagedError(str(error)) from None
        return True


def _zstandard(path: Path) -> Any:
    try:
        return import_module("zstandard")
    except ImportError:
        raise BulkError(
            f"{path} needs the module zstandard, which is not installed",
            hint='pip install "eventlite-sourcing[zstd]"',
        ) from None
