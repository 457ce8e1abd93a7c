"""The file of records that could not be imported."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

from eventlite_files.sink import refuse_taken, whole_file

# Characters of a record that are kept: what is longer is no text that a person would read.
_MOST = 2**16


class Rejects:
    """Writes JSONL, a line with `line`, `reason` and `record` each; without any, no file appears.

    Used as a context manager. Raises `BulkError` if the path is taken or cannot be written.
    """

    def __init__(self, path: Path) -> None:
        refuse_taken(path)
        self._path = path
        self._stack = ExitStack()
        self._file: BinaryIO | None = None

    def __enter__(self) -> Rejects:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, line: int, reason: str, record: Any) -> None:
        """Write one; `record` is its bytes, or its values by name."""
        if self._file is None:
            self._file = self._stack.enter_context(whole_file(self._path))
        shown = record[:_MOST].decode(errors="replace") if isinstance(record, bytes) else record
        entry = {"line": line, "reason": _printable(reason), "record": shown}
        self._file.write(_encoded(entry, entry | {"record": repr(record)[:_MOST]}))


def _encoded(entry: dict[str, Any], plainer: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(entry, str, orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # the record holds what made it be rejected, such as a lone surrogate
        return orjson.dumps(plainer, None, orjson.OPT_APPEND_NEWLINE)


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
