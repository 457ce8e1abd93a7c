"""One run over a file that is imported: batch by batch, each in a transaction, with its place in the file."""

from __future__ import annotations

from collections.abc import Iterable

from eventlite.contracts import Host, ImportOptions, Transaction
from eventlite.errors import BulkError, ConflictError, EventLiteError
from eventlite_files.batches import Batch
from eventlite_files.causes import Causes
from eventlite_files.committing import Stored, store
from eventlite_files.cursor import Journal
from eventlite_files.fields import Drafter
from eventlite_files.source import STANDARD, FileSource
from eventlite_files.tally import Tally


class ChangedError(BulkError):
    """Going on with the import would make a mixture of two files."""


def occupied(head: int) -> BulkError:
    """The refusal to mix with events that are there already."""
    return BulkError(
        f"the store has events already, up to {head:,}",
        hint="Use --append (append=True) to import behind them under new ids, or import into a new store.",
    )


class Run:
    """Passes over what an earlier run has done, then commits the rest."""

    def __init__(self, host: Host, source: FileSource, options: ImportOptions, journal: Journal) -> None:
        self._host = host
        self._source = source
        self._options = options
        self._journal = journal
        self._cursor = journal.cursor
        self._border = self._done_records = journal.cursor.records
        self.drafter = Drafter(journal.cursor.started, journal.cursor.seed)
        self.tally = Tally(journal.cursor.renumber)
        self._complete = False

    def over(self, batches: Iterable[Batch]) -> None:
        """Import all of them."""
        with self._host.storage.bulk_load(None):
            if self._options.atomic:
                with self._host.transaction() as tx:
                    for batch in batches:
                        self._done(self._commit(batch, tx))
                self._complete = True
            else:
                for batch in batches:
                    self._pass_over(batch) if batch.first <= self._border else self._transact(batch)

    def failed(self, error: EventLiteError) -> BulkError:
        """The error with what was done before it, and what to do now."""
        done = self._what_is_done(error)
        message = error.message if isinstance(error, BulkError) else f"{self._source.path}: {error.message}"
        return BulkError(message, hint=f"{error.hint} {done}" if error.hint else done, report=self.tally.report)

    def _what_is_done(self, error: EventLiteError) -> str:
        if isinstance(error, ChangedError):
            return "Forget the earlier import with --restart (restart=True) to import this one from its beginning."
        if self._complete:
            return f"All {self._done_records:,} records are imported; what failed is the storage's upkeep after them."
        if self._options.atomic:
            self.tally = Tally(self._cursor.renumber)
        elif self._done_records:
            again = self._source.path != STANDARD
            how = "run the import again to go on from there" if again else "import the rest with --append (append=True)"
            return f"{self._done_records:,} records before it are imported; {how}."
        return "Nothing was imported."

    def _transact(self, batch: Batch) -> None:
        if batch.drafts or self._journal.kept:
            with self._host.transaction() as tx:
                stored = self._commit(batch, tx)
                self._remember(batch, tx)
            self._done(stored)
        self._complete = batch.last

    def _commit(self, batch: Batch, tx: Transaction) -> Stored:
        self._check_head(tx.head())
        cursor, identities, options = self._cursor, self._journal.identities, self._options
        causes = Causes(tx, identities, self.drafter, cursor.renumber)
        stored = store(batch, tx, causes, renumber=cursor.renumber, skip_known=options.on_conflict == "skip")
        if options.strict and stored.dangling:
            raise self._dangles(batch, stored.dangling[0])
        for index in range(len(batch.ids)) if cursor.renumber else sorted(stored.known):
            identities.add(batch.ids[index], stored.ids[index], index in stored.known)
        self.tally.add(batch, stored)
        cursor.records += len(batch.drafts)
        cursor.digest, cursor.head = self.tally.digest, tx.head()
        return stored

    def _done(self, stored: Stored) -> None:
        self.tally.count(stored)
        self._done_records = self._cursor.records
        if self._options.progress is not None:
            self._options.progress(self._done_records, self._source.position, self._source.size)

    def _remember(self, batch: Batch, tx: Transaction) -> None:
        """Keep how far it has come; after the last batch there is nothing more to go on with."""
        try:
            if not batch.last and self._source.path != STANDARD:  # which is something else the next time
                self._journal.save(tx.state)
            elif self._journal.kept:
                self._journal.forget(tx.state)
        except ConflictError as error:
            raise BulkError("another import of the same file goes on at the same time") from error

    def _pass_over(self, batch: Batch) -> None:
        """Take a batch of an earlier run into the digests, and see that it is the same as then."""
        cursor, identities = self._cursor, self._journal.identities
        causes = Causes(self._host.storage, identities, self.drafter, cursor.renumber)
        places = [identities.find(id) or (None if cursor.renumber else (id, False)) for id in batch.ids]
        found = [place for place in places if place is not None]
        if len(found) < len(places):
            raise self._changed()
        ids = [id for id, _ in found]
        settled = causes.settle(batch, ids)
        rows = [(id, *draft) for (id, known), draft in zip(found, settled.as_stored, strict=True) if not known]
        self.tally.passed(batch, Stored(rows, ids, settled.in_file, settled.dangling))
        self._check_same(batch)
        if batch.last:
            self._transact(Batch(self._source.path, self._border + 1, last=True))

    def _check_same(self, batch: Batch) -> None:
        end = batch.first + len(batch.drafts) - 1
        if (end == self._border and self.tally.digest != self._cursor.digest) or (batch.last and end < self._border):
            raise self._changed()

    def _check_head(self, head: int) -> None:
        """Raise `BulkError` if others have appended although ids are kept: theirs and the file's would mix."""
        if self._cursor.renumber or head == self._cursor.head:
            return
        if not self._cursor.records:
            raise occupied(head)
        raise BulkError(
            f"others have appended events to the store during the import, up to {head:,}",
            hint="Import into a new store that is not in use yet.",
        )

    def _dangles(self, batch: Batch, index: int) -> BulkError:
        return BulkError(
            f"{batch.where(index)}: event {batch.drafts[index][7]}, its cause, is not there",
            hint="Without --strict (strict=True) such events are imported and counted.",
        )

    def _changed(self) -> ChangedError:
        return ChangedError(
            f"{self._source.path} is not the file any more of which {self._border:,} records were imported earlier"
        )
