"""Whether what is stored is what was written: checksums, ids, causes, and the storage's own check."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from eventlite.contracts.storage import Storage
from eventlite.digest import Digest
from eventlite.errors import CorruptionError, EventLiteError, StoreClosedError
from eventlite.event import Row, verify_checksum
from eventlite.query import Query
from eventlite.scanning import scan

_BATCH = 1000


@dataclass(slots=True)
class VerificationReport:
    """What `verify` found; no problems means sound."""

    events: int = 0
    problems: list[str] = field(default_factory=list)
    #: Events whose cause does not stand before them, as an import may leave them.
    dangling: int = 0
    #: sha256 of the canonical lines of all events, in hexadecimal.
    digest: str = ""


def verify(storage: Storage, progress: Callable[[int, int], None] | None = None) -> VerificationReport:
    """Check every event up to the present head, in bounded memory. `progress(done, head)` is called per batch.

    Raises `StoreClosedError`; whatever else is wrong is reported.
    """
    report, digest, ids = VerificationReport(), Digest(), _Ids()
    try:
        head = storage.head()
        for rows in _batches(storage, head, report):
            digest.add(_sound(rows, ids, report))
            report.events += len(rows)
            if progress is not None:
                progress(rows[-1][0], head)
    except StoreClosedError:
        raise
    except EventLiteError as error:
        report.problems.append(f"after event {ids.last}: {error.message}")
    report.problems += _own_check(storage)
    report.digest = digest.hexdigest()
    return report


def _batches(storage: Storage, head: int, report: VerificationReport) -> Iterator[list[Row]]:
    """All events that can be read; what stands beyond an event that cannot be read, too, if it can be told which."""
    after, size = 0, _BATCH
    while True:
        try:
            for rows in scan(storage, Query(), after=after, before=head + 1, size=size):
                yield rows
                after = rows[-1][0]
        except CorruptionError as error:
            if error.position is not None and error.position > after:
                yield from scan(storage, Query(), after=after, before=error.position)
                report.problems.append(error.message)
                after = error.position
            elif size == 1:
                raise
            else:
                size = 1  # as far as it goes
        else:
            return


def _sound(rows: list[Row], ids: _Ids, report: VerificationReport) -> list[Row]:
    """Those that are what was written; the rest is reported."""
    sound = []
    for row in rows:
        damage = _damage(row)
        if damage is None:
            sound.append(row)
            report.dangling += row[8] is not None and row[8] not in ids
            report.problems += _misplaced(row, ids)
        else:
            report.problems.append(damage)
        ids.add(row[0])
    return sound


def _own_check(storage: Storage) -> Iterator[str]:
    """What the storage itself finds, even if that is that it cannot go on."""
    try:
        yield from storage.check()
    except EventLiteError as error:
        yield error.message


class _Ids:
    """The ids seen so far, as runs without gaps."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.last = 0

    def add(self, id: int) -> None:
        if self._ends and id == self._ends[-1] + 1:
            self._ends[-1] = id
        else:
            self._starts.append(id)
            self._ends.append(id)
        self.last = id

    def __contains__(self, id: int) -> bool:
        run = bisect_right(self._starts, id) - 1
        return run >= 0 and id <= self._ends[run]


def _damage(row: Row) -> str | None:
    try:
        verify_checksum(row)
    except CorruptionError as error:
        return error.message
    return None


def _misplaced(row: Row, ids: _Ids) -> Iterator[str]:
    if row[0] <= ids.last:
        yield f"event {row[0]} comes after event {ids.last}"
