"""What an import has done: counts, times and digests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eventlite.contracts import BulkReport
from eventlite.digest import Digest
from eventlite.event import Draft, Row
from eventlite_files.batches import Batch
from eventlite_files.committing import Stored


class Tally:
    """Keeps the report up to date; `renumber` says whether events get new ids."""

    def __init__(self, renumber: bool) -> None:
        self.report = BulkReport()
        self._renumber = renumber
        self._in_file = Digest()
        self._as_stored = Digest()
        self._changed = False

    @property
    def digest(self) -> str:
        """The digest of the events as they stand in the file, or would with ids from 1 on if it has none."""
        return self._in_file.hexdigest()

    def add(self, batch: Batch, stored: Stored) -> None:
        """Take a batch of this run into the digests."""
        as_in_file = not (self._renumber or stored.known or batch.caused)
        in_file = stored.rows if as_in_file else _rows(batch.ids, stored.in_file)
        self._digest(batch, in_file, stored.rows, stored.ids)

    def count(self, stored: Stored) -> None:
        """Count a batch of this run, once it is committed."""
        report, rows = self.report, stored.rows
        report.count += len(rows)
        report.skipped += len(stored.known)
        report.dangling += len(stored.dangling)
        if rows:
            span(rows, report)

    def passed(self, batch: Batch, stored: Stored) -> None:
        """Take in a batch of an earlier run."""
        self.report.resumed += len(batch.drafts)
        self._digest(batch, _rows(batch.ids, stored.in_file), stored.rows, stored.ids)

    def finished(self, numbered: bool, notes: Iterable[str]) -> BulkReport:
        """The report; `numbered` says whether the file has ids."""
        report = self.report
        report.renumbered = numbered and self._changed
        report.digest = self._as_stored.hexdigest() if self._renumber and not numbered else self.digest
        report.stored_digest = self._as_stored.hexdigest() if report.renumbered else ""
        report.notes.extend(notes)
        return report

    def _digest(self, batch: Batch, in_file: Iterable[Row], rows: Iterable[Row], ids: Sequence[int]) -> None:
        self._in_file.add(in_file)
        if self._renumber:
            self._as_stored.add(rows)
            self._changed = self._changed or list(ids) != batch.ids


def span(rows: Sequence[Row], report: BulkReport) -> None:
    """Take the ids and times of some events, at least one, into the report."""
    times = [row[2] for row in rows]
    report.first_id = report.first_id or rows[0][0]
    report.last_id = rows[-1][0]
    report.first_time = min(times) if report.first_time is None else min(report.first_time, *times)
    report.last_time = max(times) if report.last_time is None else max(report.last_time, *times)


def _rows(ids: Iterable[int], drafts: Iterable[Draft]) -> list[Row]:
    return [(id, *draft) for id, draft in zip(ids, drafts, strict=True)]
