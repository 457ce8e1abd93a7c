"""Appends that are one call of a function on the server, which is the transaction: one message there and one back.

The function says no where anything stands against them, and not what: that takes a closer look.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eventlite.contracts import CommitRequest
from eventlite.event import Draft
from eventlite.query import Condition
from eventlite_postgres.exchanges import Turn
from eventlite_postgres.texts import Texts

#: Events beyond which a batch is copied instead of handed to a function as arrays.
_FEW = 200


class Guard(NamedTuple):
    """What must not stand after a position: events with all of the tags, and one of the commands if there are any.

    Without a position there is nothing to look at; without tags there are only keys and causes.
    """

    tags: list[str] | None = None
    cmds: list[str] | None = None
    after: int | None = None


_UNGUARDED = Guard()
_KEYS_AND_CAUSES = Guard(after=0)


def call(known: Texts, turn: Turn, requests: Sequence[CommitRequest]) -> tuple[str, list[Any]] | None:
    """The call that appends these requests; None for those that it is not made for."""
    if not 0 < sum(len(request.drafts) for request in requests) <= _FEW:
        return None
    drafts = [draft for request in requests for draft in request.drafts]
    guard = _guard(requests, drafts)
    if guard is None:
        return None
    if len(drafts) == 1:
        return known.append_one, [*turn, *guard, *drafts[0]]
    return known.append_many, [*turn, *guard, *map(list, zip(*drafts, strict=True))]


def _guard(requests: Sequence[CommitRequest], drafts: Sequence[Draft]) -> Guard | None:
    """What the function has to look at; None if that is more than it can."""
    if any(request.ids or request.links or request.keep_dangling for request in requests):
        return None
    if any(request.keyed for request in requests) and _has_repeated_keys(drafts):
        return None
    if any(request.caused for request in requests) and not all(draft[6] for draft in drafts):
        return None  # a correlation is inherited
    conditions = [request.condition for request in requests if request.condition is not None]
    if conditions:
        return _guard_of(conditions[0]) if len(requests) == 1 else None
    return _KEYS_AND_CAUSES if any(request.keyed or request.caused for request in requests) else _UNGUARDED


def _has_repeated_keys(drafts: Sequence[Draft]) -> bool:
    keys = [draft[10] for draft in drafts if draft[10] is not None]
    return len(set(keys)) < len(keys)


def _guard_of(condition: Condition) -> Guard | None:
    """The guard that a condition is, if it names tags and commands only."""
    query = condition.query
    if query.union or not query.all_tags or query.correlation_id is not None or query.causation_id is not None:
        return None
    if any("\0" in text for text in (*query.all_tags, *(query.cmds or ()))):  # PostgreSQL knows no such text
        return None
    return Guard(list(query.all_tags), list(query.cmds) if query.cmds else None, condition.after)
