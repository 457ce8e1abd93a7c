"""Handlers inside the transaction of every append, such as inline projections.

A group of appends is one transaction. When a handler refuses one of them, the whole group is undone and each append is
committed alone, so that only the refused one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from eventlite.contracts.writing import CommitRequest, Outcome
from eventlite.errors import EventLiteError, HandlerError
from eventlite.event import Row

if TYPE_CHECKING:
    from eventlite.contracts import Storage, Transaction

#: Called inside an append's transaction with the rows that are new; what it raises refuses the append.
InlineHandler: TypeAlias = Callable[["Transaction", Sequence[Row]], None]


class InlineCommit:
    """`Storage.commit`, with a handler that is called before each transaction ends."""

    def __init__(self, storage: Storage, handler: InlineHandler) -> None:
        self._storage = storage
        self._handler = handler

    def __call__(self, requests: Sequence[CommitRequest]) -> list[Outcome]:
        try:
            with self._storage.transaction() as transaction:
                return [self._outcome(transaction, request) for request in requests]
        except HandlerError as refusal:
            return [refusal] if len(requests) == 1 else [self._alone(request) for request in requests]

    def _alone(self, request: CommitRequest) -> Outcome:
        """What others of the group have been told already must not be lost with this one."""
        try:
            return self([request])[0]
        except EventLiteError as failure:
            return failure

    def _outcome(self, transaction: Transaction, request: CommitRequest) -> Outcome:
        try:
            committed = transaction.append(request)
        except EventLiteError as refusal:
            return refusal
        if committed.new:
            self._handler(transaction, committed.rows)
        return committed


def call_handlers(handlers: Sequence[InlineHandler], transaction: Transaction, rows: Sequence[Row]) -> None:
    """Call every handler; whatever one raises becomes a `HandlerError`, which undoes the transaction."""
    for handler in handlers:
        try:
            handler(transaction, rows)
        except HandlerError:
            raise
        except Exception as error:
            raise HandlerError(
                f"a handler refused the append: {type(error).__name__}: {error}; nothing was stored"
            ) from error
