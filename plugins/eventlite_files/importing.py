"""A file into the store, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from typing import Any

from eventlite.contracts import BulkReport, Entry, Format, Host, ImportOptions, Rejected
from eventlite.errors import BulkError, EventLiteError, InvalidEventError
from eventlite_files.batches import Batch, Records, Refusal, batched
from eventlite_files.cursor import Journal, begun, meaning
from eventlite_files.mapping import Fields, Mapped, shaper
from eventlite_files.rejects import Rejects
from eventlite_files.run import Run, occupied
from eventlite_files.source import STANDARD, FileSource
from eventlite_files.tally import Tally


def import_file(host: Host, source: FileSource, format: Format, options: ImportOptions, size: int) -> BulkReport:
    """Import a file, `size` events per transaction; raises `BulkError`."""
    shape = shaper(options.mapping)
    journal = _journal(host, source, format, options)
    run = Run(host, source, options, journal)
    with ExitStack() as stack:
        rejects = None if options.rejects is None else stack.enter_context(Rejects(options.rejects))
        records = Records(shape, run.drafter, _refusal(source, rejects, run.tally))
        entries = stack.enter_context(closing(_entries(format, source)))
        batches = batched(records.of(entries), source.path, size, border=journal.cursor.records)
        try:
            run.over(_checked(batches, shape))
        except EventLiteError as error:
            raise run.failed(error) from error.__cause__ if isinstance(error, BulkError) else error
    return run.tally.finished(bool(records.numbered), source.notes)


def _entries(format: Format, source: FileSource) -> Generator[Entry | Rejected]:
    """What the format reads. It is another's code: whatever it raises names it."""
    try:
        yield from format.read(source)
    except EventLiteError:
        raise
    except Exception as error:
        reason = f"the format {format.name} failed: {type(error).__name__}: {error}"
        raise BulkError(f"{source.path}: {reason}") from error


def _journal(host: Host, source: FileSource, format: Format, options: ImportOptions) -> Journal:
    """That of an unfinished import to go on with, or a new one."""
    found = None if source.path == STANDARD else Journal.found(host, source.path)
    if found is not None and not options.restart:
        _check_resumable(found, meaning(format.name, options), options)
        return found
    head = host.storage.head()
    if head and not options.append:
        raise occupied(head)
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
