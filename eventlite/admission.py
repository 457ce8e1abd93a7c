"""Whether a storage accepts a batch, and the rows it becomes: one algorithm for every storage.

The order is part of the semantics: known keys first, then the condition, then causes. A storage calls `admit` inside
its write transaction, with a view that sees everything committed and its own earlier appends, then stores the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Protocol

from eventlite.contracts.writing import CommitRequest, Committed
from eventlite.drafting import new_correlation
from eventlite.errors import ConflictError, InvalidEventError
from eventlite.event import MAX_ID, Draft, Row, caused
from eventlite.jsontext import same_json
from eventlite.query import Condition, Query, check_reached


class CommitView(Protocol):
    """What admission asks a storage, inside the transaction."""

    def head(self) -> int:
        """The id of the last event, 0 without events."""

    def get(self, id: int) -> Row | None:
        """The event of that id."""

    def by_key(self, key: str) -> Row | None:
        """The event that has that idempotency key."""

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last matching event beyond a position, 0 without one."""


def admit(request: CommitRequest, view: CommitView) -> Committed:
    """The rows to store, or with `new=False` the rows that are stored already.

    Raises `ConflictError`, `InvalidQueryError` (a condition beyond the head) or `InvalidEventError` (a cause that is
    not there); the storage then leaves the batch out.
    """
    if request.keyed:
        known = _known(request, view)
        if known is not None:
            return Committed(known, new=False)
    head = view.head()
    if request.condition is not None:
        _check_condition(request.condition, head, view)
    ids = _ids(request, head)
    if request.caused:
        return Committed(_settle(request, ids, view), new=True)
    return Committed([(id, *draft) for id, draft in zip(ids, request.drafts, strict=False)], new=True)


def _known(request: CommitRequest, view: CommitView) -> list[Row] | None:
    """The stored rows when every key of the batch is known with equal content, None when none is."""
    _check_keys(request.drafts)
    stored = [None if draft[10] is None else view.by_key(draft[10]) for draft in request.drafts]
    if not any(stored):
        return None
    rows = [row for row in stored if row is not None]
    if len(rows) < len(stored):
        raise _partly_known(request, stored)
    for index in range(len(rows)):
        _check_same(request, index, rows)
    return rows


def _check_keys(drafts: Sequence[Draft]) -> None:
    keys = [draft[10] for draft in drafts if draft[10] is not None]
    if len(set(keys)) < len(keys):
        twice, _ = Counter(keys).most_common(1)[0]
        raise InvalidEventError(f"two events of the batch have the key {twice!r}")


def _partly_known(request: CommitRequest, stored: Sequence[Row | None]) -> ConflictError:
    index, row = next((index, row) for index, row in enumerate(stored) if row is not None)
    return ConflictError(
        f"key {request.drafts[index][10]!r} is known (event {row[0]}) but other events of the batch are not stored",
        hint="To append a batch again, give each of its events a key; or leave the known events out.",
        position=row[0],
    )


def _check_same(request: CommitRequest, index: int, stored: Sequence[Row]) -> None:
    draft, row = request.drafts[index], stored[index]
    cause = stored[request.links[index]][0] if index in request.links else draft[7]
    same = (
        (draft[0], draft[2], draft[3], draft[4], draft[9], cause) == (row[1], row[3], row[4], row[5], row[10], row[8])
        and (index not in request.given_correlations or draft[6] == row[7])
        and same_json(draft[5], row[6])
        and same_json(draft[8], row[9])
    )
    if not same:
        raise ConflictError(
            f"key {row[11]!r} is known with other content (event {row[0]}, {row[5]})",
            hint="Use a new key for a new event; the same key means the same event.",
            position=row[0],
        )


def _check_condition(condition: Condition, head: int, view: CommitView) -> None:
    check_reached(condition.after, head, "the condition's position")
    found = view.last(condition.query, after=condition.after)
    if found > condition.after:
        raise ConflictError(
            f"event {found} matches the condition and stands after position {condition.after}",
            hint="Read again from there, decide again, and append with the new position.",
            position=found,
        )


def _ids(request: CommitRequest, head: int) -> Iterable[int]:
    if request.ids is None:
        if head + len(request.drafts) > MAX_ID:
            raise InvalidEventError(f"the store is full: ids end at {MAX_ID}")
        return count(head + 1)
    if len(request.ids) != len(request.drafts):
        raise InvalidEventError(f"{len(request.drafts)} events have {len(request.ids)} ids")
    last = head
    for id in request.ids:
        if not last < id <= MAX_ID:
            raise InvalidEventError(f"id {id} cannot follow {last}", hint=f"Ids grow strictly and end at {MAX_ID}.")
        last = id
    return request.ids


def _settle(request: CommitRequest, ids: Iterable[int], view: CommitView) -> list[Row]:
    """Rows whose causes exist and whose correlations are inherited."""
    rows: list[Row] = []
    causes: dict[int, Row | None] = {}
    for index, (id, draft) in enumerate(zip(ids, request.drafts, strict=False)):
        if index in request.links:
            cause = rows[request.links[index]]
            draft = caused(draft, cause[0], draft[6] or cause[7])  # noqa: PLW2901
        elif draft[7] is not None:
            if draft[7] not in causes:
                causes[draft[7]] = view.get(draft[7])
            draft = _inherit(draft, draft[7], causes[draft[7]], request.keep_dangling)  # noqa: PLW2901
        rows.append((id, *draft))
        causes[id] = rows[-1]
    return rows


def _inherit(draft: Draft, cause_id: int, cause: Row | None, keep_dangling: bool) -> Draft:
    if cause is None and not keep_dangling:
        raise InvalidEventError(
            f"event {cause_id}, the cause of {draft[4]!r}, is not in the store",
            hint="Append the cause first, or leave the cause out.",
        )
    if draft[6]:
        return draft
    return caused(draft, cause_id, new_correlation() if cause is None else cause[7])
