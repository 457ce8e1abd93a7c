"""How far an import has come, kept in the store together with its events, so that it can be gone on with."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import orjson

from eventlite.contracts import Host, ImportOptions, StateReader, StateStore
from eventlite.drafting import now
from eventlite_files.identities import Identities, Run

NAMESPACE = "imports"
_IDS = "imports.ids"

# Runs in one record: well below what a record may hold.
_CHUNK = 50_000


@dataclass(slots=True)
class Cursor:
    """How far it has come. A file is known by its place; whether it is still the same is seen from the digest."""

    path: str
    #: What decides what the records mean; other options make another import.
    meaning: str
    #: When it began, in microseconds since the epoch, and a random number of 62 bits.
    started: int
    seed: int
    #: Whether events get new ids, because the store had some already.
    renumber: bool
    #: Records that are done, and the digest of them as they stand in the file.
    records: int = 0
    digest: str = ""
    #: The head of the store after them.
    head: int = 0
    #: Records of runs that were written, and the runs in them.
    chunks: int = 0
    runs: int = 0

    @property
    def name(self) -> str:
        """What its record is called."""
        return _name(self.path)


class Journal:
    """The cursor of an import, the ids that have become others, and where both are kept."""

    def __init__(self, cursor: Cursor, version: int = 0, identities: Identities | None = None) -> None:
        self.cursor = cursor
        self.identities = identities or Identities()
        self._version = version

    @classmethod
    def found(cls, host: Host, path: Path) -> Self | None:
        """That of an unfinished import of the file, or None."""
        with host.storage.snapshot() as snapshot:
            record = snapshot.state.get(NAMESPACE, _name(place(path)))
            if record is None:
                return None
            values = dict(record.value)
            last = values.pop("last")
            cursor = Cursor(**values)
            return cls(cursor, record.version, _identities(snapshot.state, cursor, last))

    @property
    def kept(self) -> bool:
        """Whether the store knows of it."""
        return self._version > 0

    def save(self, state: StateStore) -> None:
        """Keep how far it has come; raises `ConflictError` if another import of the file has moved on meanwhile."""
        cursor = self.cursor
        runs = self.identities.since(cursor.runs)
        closed, last = runs[:-1], runs[-1:]
        for at in range(0, len(closed), _CHUNK):
            chunk = [list(run) for run in closed[at : at + _CHUNK]]
            state.put(_IDS, _chunk_name(cursor, cursor.chunks), {"runs": chunk})
            cursor.chunks += 1
            cursor.runs += len(chunk)
        value = asdict(cursor) | {"last": [list(run) for run in last]}
        self._version = state.put(NAMESPACE, cursor.name, value, expected=self._version)

    def forget(self, state: StateStore) -> None:
        """Remove whatever was kept; raises `ConflictError` as `save` does."""
        for number in range(self.cursor.chunks):
            state.delete(_IDS, _chunk_name(self.cursor, number))
        state.delete(NAMESPACE, self.cursor.name, expected=self._version)


def begun(path: Path, format: str, options: ImportOptions, *, renumber: bool) -> Cursor:
    """The cursor of an import at its beginning."""
    return Cursor(place(path), meaning(format, options), now(), secrets.randbits(62), renumber)


def place(path: Path) -> str:
    """The place of a file, however it was named, as text that can be stored."""
    return str(path.resolve()).encode(errors="surrogateescape").decode(errors="backslashreplace")


def _name(place: str) -> str:
    """The name of the record for a file."""
    return hashlib.sha256(place.encode()).hexdigest()[:32]


def meaning(format: str, options: ImportOptions) -> str:
    """The options that decide what a record means, as text."""
    return orjson.dumps([format, sorted(options.mapping.items())]).decode()


def _identities(state: StateReader, cursor: Cursor, last: list[list[int]]) -> Identities:
    identities = Identities()
    for number in range(cursor.chunks):
        chunk = state.get(_IDS, _chunk_name(cursor, number))
        assert chunk is not None  # written in the transaction that counted it
        identities.extend(Run._make(run) for run in chunk.value["runs"])
    identities.extend(Run._make(run) for run in last)
    return identities


def _chunk_name(cursor: Cursor, number: int) -> str:
    return f"{cursor.name}.{number:09d}"
