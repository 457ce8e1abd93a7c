"""A file into the store, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

from eventlite.contracts import BulkReport, Format, Host, ImportOptions, Transaction
from eventlite.errors import BulkError, ConflictError, EventLiteError, InvalidEventError
from eventlite_files.batches import Batch, Records, Refusal, batched
from eventlite_files.causes import Causes
from eventlite_files.committing import Stored, settled, store
from eventlite_files.cursor import Journal, begun, meaning
from eventlite_files.fields import Drafter
from eventlite_files.mapping import Fields, Mapped, shaper
from eventlite_files.rejects import Rejects
from eventlite_files.source import FileSource
from eventlite_files.tally import Tally


def import_file(host: Host, source: FileSource, format: Format, options: ImportOptions, size: int) -> BulkReport:
    """Import a file, `size` events per transaction; raises `BulkError`."""
    shape = shaper(options.mapping)
    journal = _journal(host, source, format, options)
    run = _Import(host, source, options, journal)
    with ExitStack() as stack:
        rejects = None if options.rejects is None else stack.enter_context(Rejects(options.rejects))
        records = Records(shape, run.drafter, _refusal(source, rejects, run.tally))
        entries = format.read(source)
        if isinstance(entries, Generator):  # to be closed now, not when nothing refers to it any more
            stack.enter_context(closing(entries))
        batches = batched(records.of(entries), source.path, size, border=journal.cursor.records)
        try:
            run.over(_checked(batches, shape))
        except EventLiteError as error:
            raise run.failed(error) from error.__cause__ if isinstance(error, BulkError) else error
    return run.tally.finished(bool(records.numbered), source.notes)


def _journal(host: Host, source: FileSource, format: Format, options: ImportOptions) -> Journal:
    """That of an unfinished import to go on with, or a new one."""
    found = Journal.found(host, source.path)
    if found is not None and not options.restart:
        _check_resumable(found, meaning(format.name, options), options)
        return found
    head = host.storage.head()
    if head and not options.append:
        raise _occupied(head)
    if found is not None:
        with host.transaction() as tx:
            found.forget(tx.state)
    return Journal(begun(source.path, format.name, options, renumber=head > 0))


def _check_resumable(journal: Journal, meaning: str, options: ImportOptions) -> None:
    cursor = journal.cursor
    done = f"an earlier import of {cursor.path} got as far as record {cursor.records:,} and was not finished"
    if cursor.meaning != meaning:
        raise BulkError(
            f"{done}; it had another format or mapping",
            hint="Go on with those, or forget it with --restart (restart=True).",
        )
    if options.atomic:
        raise BulkError(
            f"{done}, so it cannot be all or nothing any more",
            hint="Go on without --atomic, or forget it with --restart (restart=True).",
        )


def _occupied(head: int) -> BulkError:
    return BulkError(
        f"the store has events already, up to {head:,}",
        hint="Use --append (append=True) to import behind them under new ids, or import into a new store.",
    )


def _refusal(source: FileSource, rejects: Rejects | None, tally: Tally) -> Refusal:
    def refuse(line: int, error: InvalidEventError, record: Any) -> None:
        if rejects is None:
            raise BulkError(f"{source.path}, line {line}: {error.message}", hint=error.hint)
        rejects.add(line, error.message, record)
        tally.report.rejected += 1

    return refuse


def _checked(batches: Iterable[Batch], shape: Callable[[Fields], Fields]) -> Iterator[Batch]:
    """The batches; the first one must have shown every column that a field is mapped to."""
    for batch in batches:
        if batch.first == 1 and batch.drafts and isinstance(shape, Mapped):
            shape.refuse_missing()
        yield batch


class _Import:
    """One run over a file: passes over what an earlier run has done, then commits the rest."""

    def __init__(self, host: Host, source: FileSource, options: ImportOptions, journal: Journal) -> None:
        self._host = host
        self._source = source
        self._options = options
        self._journal = journal
        self._cursor = journal.cursor
        self._border = self._done_records = journal.cursor.records
        self.drafter = Drafter(journal.cursor.started, journal.cursor.seed)
        self.tally = Tally(journal.cursor.renumber)

    def over(self, batches: Iterable[Batch]) -> None:
        """Import all of them."""
        with self._host.storage.bulk_load(None):
            if self._options.atomic:
                with self._host.transaction() as tx:
                    for batch in batches:
                        self._done(self._commit(batch, tx))
            else:
                for batch in batches:
                    self._pass_over(batch) if batch.first <= self._border else self._transact(batch)

    def failed(self, error: EventLiteError) -> BulkError:
        """The error with what was done before it, and what to do now."""
        done = "Nothing was imported."
        if self._options.atomic:
            self.tally = Tally(self._cursor.renumber)
        elif self._done_records:
            done = f"{self._done_records:,} records before it are imported; run the import again to go on from there."
        if isinstance(error, _ChangedError):
            done = (
                "Forget the earlier import with --restart (restart=True) if this is to be imported from its beginning."
            )
        message = error.message if isinstance(error, BulkError) else f"{self._source.path}: {error.message}"
        return BulkError(message, hint=f"{error.hint} {done}" if error.hint else done, report=self.tally.report)

    def _transact(self, batch: Batch) -> None:
        if batch.drafts or self._journal.kept:
            with self._host.transaction() as tx:
                stored = self._commit(batch, tx)
                self._remember(batch, tx)
            self._done(stored)

    def _commit(self, batch: Batch, tx: Transaction) -> Stored:
        self._check_head(tx.head())
        cursor, identities, options = self._cursor, self._journal.identities, self._options
        causes = Causes(tx, identities if cursor.renumber else None, self.drafter)
        stored = store(batch, tx, causes, renumber=cursor.renumber, skip_known=options.on_conflict == "skip")
        if options.strict and stored.dangling:
            raise self._dangles(batch, stored.dangling[0])
        if cursor.renumber:
            for index, (old, new) in enumerate(zip(batch.ids, stored.ids, strict=True)):
                identities.add(old, new, index in stored.known)
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
            if not batch.last:
                self._journal.save(tx.state)
            elif self._journal.kept:
                self._journal.forget(tx.state)
        except ConflictError as error:
            raise BulkError("another import of the same file goes on at the same time") from error

    def _pass_over(self, batch: Batch) -> None:
        """Take a batch of an earlier run into the digests, and see that it is the same as then."""
        cursor, identities = self._cursor, self._journal.identities
        causes = Causes(self._host.storage, identities if cursor.renumber else None, self.drafter)
        places = [identities.find(id) if cursor.renumber else (id, False) for id in batch.ids]
        found = [place for place in places if place is not None]
        if len(found) < len(places):
            raise self._changed()
        ids = [id for id, _ in found]
        drafts, _ = settled(batch, causes, ids)
        rows = [(id, *draft) for (id, known), draft in zip(found, drafts, strict=True) if not known]
        self.tally.passed(batch, rows, ids)
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
            raise _occupied(head)
        raise BulkError(
            f"others have appended events to the store during the import, up to {head:,}",
            hint="Import into a new store that is not in use yet.",
        )

    def _dangles(self, batch: Batch, index: int) -> BulkError:
        return BulkError(
            f"{batch.where(index)}: event {batch.drafts[index][7]}, its cause, is not there",
            hint="Without --strict (strict=True) such events are imported and counted.",
        )

    def _changed(self) -> _ChangedError:
        return _ChangedError(
            f"{self._source.path} is not the file any more of which {self._border:,} records were imported earlier"
        )


class _ChangedError(BulkError):
    """Going on with the import would make a mixture of two files."""
