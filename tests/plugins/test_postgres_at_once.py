"""Appends in one call, and those that take a closer look: both are the same to whoever appends."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from eventlite_postgres import Settings, at_once
from eventlite_postgres.exchanges import Turn
from eventlite_postgres.storage import PostgresStorage
from eventlite_postgres.testing import drop_schema
from eventlite_postgres.texts import texts

from eventlite import Condition, EventLiteError, NewEvent, Query
from eventlite.contracts import CommitRequest, Outcome
from eventlite.drafting import draft_batch

_TAGS = ("t0", "t1", "t2")
_CMDS = ("c0", "c1")


def call(*requests: CommitRequest) -> object:
    return at_once.call(texts("store"), Turn(1, 1), requests)


def request(*events: NewEvent, condition: Condition | None = None) -> CommitRequest:
    return draft_batch(events, condition, recorded=1)


@pytest.mark.parametrize(
    "events",
    [
        [NewEvent("a")],
        [NewEvent("a", tags=["t"])] * 200,
        [NewEvent("a", key="k"), NewEvent("a", key="l"), NewEvent("a")],
        [NewEvent("a", cause=1, correlation_id="c")],
    ],
    ids=["plain", "many", "keys", "cause"],
)
def test_one_call_appends_what_is_usual(events: list[NewEvent]) -> None:
    assert call(request(*events))
    assert call(request(*events, condition=Condition(Query(tags=["t", "u"], cmd=["a", "b"]), after=7)))


def test_what_needs_a_closer_look_is_not_tried() -> None:
    first = NewEvent("a")
    assert not call(request())
    assert not call(request(*[NewEvent("a")] * 201))
    assert not call(request(first, NewEvent("b", cause=first)))
    assert not call(request(NewEvent("a", cause=1)))
    assert not call(request(NewEvent("a", key="k")), request(NewEvent("a", key="k")))
    for query in (
        Query(),
        Query(cmd="a"),
        Query(tags="t") | Query(tags="u"),
        Query(tags="t", correlation_id="c"),
        Query(tags="t\0"),
    ):
        assert not call(request(NewEvent("a"), condition=Condition(query)))
    guarded = request(NewEvent("a"), condition=Condition(Query(tags="t")))
    assert call(guarded)
    assert not call(guarded, request(NewEvent("b")))


@pytest.fixture
def stores(postgres_server: str) -> Iterator[Callable[[], PostgresStorage]]:
    opened: dict[str, PostgresStorage] = {}

    def open_store() -> PostgresStorage:
        schema = f"test_{uuid4().hex[:12]}"
        opened[schema] = PostgresStorage(Settings(dsn=postgres_server, schema=schema))
        return opened[schema]

    yield open_store
    for schema, store in opened.items():
        store.close()
        drop_schema(postgres_server, schema)


def test_every_way_to_append_gives_the_same_answers(
    stores: Callable[[], PostgresStorage], dice: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick, careful, alone = (stores() for _ in range(3))
    for _ in range(60):
        group = [_anything(dice, quick.head()) for _ in range(dice.choice((1, 1, 1, 4)))]
        told = [_said(quick.commit(group))]
        with monkeypatch.context() as patched:
            patched.setattr(at_once, "call", lambda *_: None)
            told.append(_said(careful.commit(group)))
            told.append([_said([_appended(alone, each)])[0] for each in group])
        assert told[0] == told[1] == told[2]


def _anything(dice: random.Random, head: int) -> CommitRequest:
    """A request that may be refused for any reason."""
    events = [
        NewEvent(
            dice.choice(_CMDS),
            tags=dice.sample(_TAGS, dice.randrange(3)),
            key=dice.choice((None, None, f"k{dice.randrange(40)}")),
            cause=dice.choice((None, None, None, dice.randrange(1, head + 3))),
            correlation_id=f"r{dice.randrange(5)}",
        )
        for _ in range(dice.choice((1, 1, 3)))
    ]
    query = Query(tags=dice.sample(_TAGS, dice.randrange(1, 3)), cmd=dice.choice((None, *_CMDS)))
    if dice.random() < 0.2:
        query |= Query(cmd=dice.choice(_CMDS), correlation_id=f"r{dice.randrange(5)}")
    after = max(0, head - dice.randrange(-1, 6))
    return request(*events, condition=dice.choice((None, Condition(query, after))))


def _appended(store: PostgresStorage, each: CommitRequest) -> Outcome:
    """In a transaction of one's own, where every question is asked when it comes up."""
    try:
        with store.transaction() as transaction:
            return transaction.append(each)
    except EventLiteError as refusal:
        return refusal


def _said(outcomes: Sequence[Outcome]) -> list[Any]:
    return [
        (type(outcome), str(outcome)) if isinstance(outcome, EventLiteError) else (list(outcome.rows), outcome.new)
        for outcome in outcomes
    ]
