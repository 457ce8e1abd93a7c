"""One batch into the store, inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eventlite.contracts import CommitRequest, Transaction
from eventlite.errors import BulkError, ConflictError
from eventlite.event import Draft, Row
from eventlite_files.batches import Batch
from eventlite_files.causes import Causes, unsettled


class Stored(NamedTuple):
    """What became of a batch."""

    #: The rows that are new.
    rows: Sequence[Row]
    #: The store's id of every record.
    ids: Sequence[int]
    #: Every record as it stands in the file, with its correlation.
    in_file: Sequence[Draft]
    #: The indexes of records whose cause is not there.
    dangling: Sequence[int]
    #: The indexes of records whose keys the store knew.
    known: frozenset[int] = frozenset()


def store(batch: Batch, tx: Transaction, causes: Causes, *, renumber: bool, skip_known: bool) -> Stored:
    """Append the batch; raises `BulkError` for a known key, unless `skip_known`."""
    stored = None if len(set(batch.keys)) < len(batch.keys) else _at_once(batch, tx, causes, renumber)
    return stored or _one_by_one(batch, tx, causes, renumber, skip_known)


def _at_once(batch: Batch, tx: Transaction, causes: Causes, renumber: bool) -> Stored | None:
    """The whole batch, or None and nothing if any of its keys is known."""
    head = tx.head()  # no other writer writes meanwhile, so the next ids are known
    ids = range(head + 1, head + 1 + len(batch.drafts)) if renumber else batch.ids
    settled = causes.settle(batch, ids)
    try:
        committed = tx.append(CommitRequest(settled.as_stored, ids=ids, keyed=bool(batch.keys), keep_dangling=True))
    except ConflictError:
        return None
    return Stored(committed.rows, ids, settled.in_file, settled.dangling) if committed.new else None


def _one_by_one(batch: Batch, tx: Transaction, causes: Causes, renumber: bool, skip_known: bool) -> Stored:
    settled = unsettled(batch)
    ids: list[int] = []
    rows: list[Row] = []
    known: set[int] = set()
    for index, draft in enumerate(batch.drafts):
        if draft[7] is not None:
            causes.settle_one(settled, batch, index, ids)
        id, row = _one(settled.as_stored[index], tx.head() + 1 if renumber else batch.ids[index], tx)
        if row is not None:
            rows.append(row)
        elif skip_known:
            known.add(index)
        else:
            raise _known(batch.where(index), draft, id)
        ids.append(id)
    dangling = [index for index in settled.dangling if index not in known]
    return Stored(rows, ids, settled.in_file, dangling, frozenset(known))


def _one(draft: Draft, id: int, tx: Transaction) -> tuple[int, Row | None]:
    """The id in the store and, if it is new, the row."""
    request = CommitRequest((draft,), ids=(id,), keyed=draft[10] is not None, keep_dangling=True)
    try:
        committed = tx.append(request)
    except ConflictError as error:
        assert error.position is not None  # a known key stands in the way, and nothing else can
        return error.position, None
    row = committed.rows[0]
    return row[0], row if committed.new else None


def _known(where: str, draft: Draft, id: int) -> BulkError:
    error = BulkError(
        f"{where}: the store knows the key {draft[10]!r} (event {id})",
        hint="Leave out what the store knows: --on-conflict skip (on_conflict='skip').",
    )
    error.__cause__ = ConflictError(error.message, position=id)
    return error
