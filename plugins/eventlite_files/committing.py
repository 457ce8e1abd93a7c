"""One batch into the store, inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eventlite.contracts import CommitRequest, Transaction
from eventlite.errors import BulkError, ConflictError
from eventlite.event import Draft, Row
from eventlite_files.batches import Batch
from eventlite_files.causes import Causes


class Stored(NamedTuple):
    """What became of a batch: the rows that are new, the store's id of every record, and what was counted."""

    rows: Sequence[Row]
    ids: Sequence[int]
    #: The indexes of records whose keys the store knew.
    known: frozenset[int]
    dangling: list[int]


def store(batch: Batch, tx: Transaction, causes: Causes, *, renumber: bool, skip_known: bool) -> Stored:
    """Append the batch; raises `BulkError` for a known key, unless `skip_known`."""
    if batch.keys:
        stored = _unless_known(batch, tx, causes, renumber)
        return stored or _one_by_one(batch, tx, causes, renumber, skip_known)
    ids = _ids(batch, tx, renumber)
    drafts, dangling = settled(batch, causes, ids)
    rows = tx.append(CommitRequest(drafts, ids=ids, keep_dangling=True)).rows
    return Stored(rows, ids, frozenset(), dangling)


def settled(batch: Batch, causes: Causes, ids: Sequence[int]) -> tuple[list[Draft], list[int]]:
    """The drafts as they are stored under these ids, and the indexes of those whose cause dangles."""
    if not batch.caused:
        return batch.drafts, []
    drafts, dangling = list(batch.drafts), []
    for index in batch.caused:
        drafts[index], dangles = causes.settle(batch, index, ids)
        if dangles:
            dangling.append(index)
    return drafts, dangling


def _ids(batch: Batch, tx: Transaction, renumber: bool) -> Sequence[int]:
    """No other writer writes meanwhile, so the next ids are known."""
    head = tx.head()
    return range(head + 1, head + 1 + len(batch.drafts)) if renumber else batch.ids


def _unless_known(batch: Batch, tx: Transaction, causes: Causes, renumber: bool) -> Stored | None:
    """The whole batch at once, or None if any of its keys is known or comes twice."""
    if len(set(batch.keys)) < len(batch.keys):
        return None
    ids = _ids(batch, tx, renumber)
    drafts, dangling = settled(batch, causes, ids)
    try:
        committed = tx.append(CommitRequest(drafts, ids=ids, keyed=True, keep_dangling=True))
    except ConflictError:
        return None
    return Stored(committed.rows, ids, frozenset(), dangling) if committed.new else None


def _one_by_one(batch: Batch, tx: Transaction, causes: Causes, renumber: bool, skip_known: bool) -> Stored:
    ids: list[int] = []
    rows: list[Row] = []
    known: set[int] = set()
    dangling: list[int] = []
    for index, draft in enumerate(batch.drafts):
        if draft[7] is not None:
            draft, dangles = causes.settle(batch, index, ids)  # noqa: PLW2901
            dangling += [index] * dangles
        id, row = _one(draft, tx.head() + 1 if renumber else batch.ids[index], tx)
        if row is None and not skip_known:
            raise _known(batch.where(index), draft, id)
        if row is None:
            known.add(index)
        else:
            rows.append(row)
        ids.append(id)
    return Stored(rows, ids, frozenset(known), [index for index in dangling if index not in known])


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
