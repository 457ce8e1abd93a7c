"""What admission asks, asked beforehand for a whole group of requests, so that the turn to write is kept short."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from eventlite.admission import admit
from eventlite.contracts import CommitRequest, Outcome
from eventlite.errors import EventLiteError
from eventlite.event import Row, decode_tags
from eventlite.matching import matcher
from eventlite.query import Condition, Query


class Questions(NamedTuple):
    """What a group of requests makes admission ask."""

    keys: list[str]
    causes: list[int]
    conditions: list[Condition]


class Answers(NamedTuple):
    """What was stored before the group."""

    head: int
    by_key: Mapping[str, Row]
    by_id: Mapping[int, Row]
    #: The last event that matches the query of a condition, and stands after its position.
    last: Mapping[Condition, int]


def questions(requests: Sequence[CommitRequest]) -> Questions:
    """Everything that admission may ask about these requests, each thing once."""
    return Questions(
        list(dict.fromkeys(key for request in requests if request.keyed for key in _keys(request))),
        list(dict.fromkeys(cause for request in requests if request.caused for cause in _causes(request))),
        list(dict.fromkeys(request.condition for request in requests if request.condition is not None)),
    )


class Group:
    """Admits requests one after the other; each sees what was stored, and what was admitted before it."""

    def __init__(self, answers: Answers) -> None:
        self._stored = answers
        self._by_key: dict[str, Row] = {}
        self._tags: set[str] = set()
        #: What is to be written.
        self.rows: list[Row] = []
        #: Whether an answer was given that an earlier transaction had written.
        self.repeated = False

    def outcome(self, request: CommitRequest) -> Outcome:
        """What becomes of a request."""
        try:
            committed = admit(request, self)
        except EventLiteError as refusal:
            return refusal
        if committed.new:
            self._take(committed.rows, request.keyed)
        else:
            self.repeated = True
        return committed

    def head(self) -> int:
        """The id of the last event, 0 without events."""
        return self.rows[-1][0] if self.rows else self._stored.head

    def get(self, id: int) -> Row | None:
        """The event of that id, if it was asked for or has just been admitted."""
        if id <= self._stored.head:
            return self._stored.by_id.get(id)
        place = bisect_left(self.rows, (id,))
        return self.rows[place] if place < len(self.rows) and self.rows[place][0] == id else None

    def by_key(self, key: str) -> Row | None:
        """The event that has that key, if it was asked for or has just been admitted."""
        return self._by_key.get(key) or self._stored.by_key.get(key)

    def last(self, query: Query, *, after: int = 0) -> int:
        """The id of the last match beyond the position of a condition that was asked for, 0 without one."""
        return self._last_admitted(query, after) or self._stored.last[Condition(query, after)]

    def _last_admitted(self, query: Query, after: int) -> int:
        if not any(self._tags.issuperset(plain.all_tags) for plain in query.alternatives):
            return 0
        matches = matcher(query)
        return next((row[0] for row in reversed(self.rows) if row[0] > after and matches(row)), 0)

    def _take(self, rows: Sequence[Row], keyed: bool) -> None:
        self.rows += rows
        self._tags.update(tag for tag, _ in tagged(rows))
        if keyed:
            self._by_key.update((row[11], row) for row in rows if row[11] is not None)


def tagged(rows: Sequence[Row]) -> Iterator[tuple[str, int]]:
    """The tags of events, each with the id of its event."""
    return ((tag, row[0]) for row in rows if row[10] != "[]" for tag in decode_tags(row[10]))


def _keys(request: CommitRequest) -> Iterator[str]:
    return (draft[10] for draft in request.drafts if draft[10] is not None)


def _causes(request: CommitRequest) -> Iterator[int]:
    return (draft[7] for draft in request.drafts if draft[7] is not None)
