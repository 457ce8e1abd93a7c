"""One event that is waited for: `Happened`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Any

from eventlite.errors import InvalidQueryError, shown
from eventlite.event import Row
from eventlite.jsontext import decode_object
from eventlite.matching import Check, matcher
from eventlite.query import Query
from eventlite.sourcing.waits.comparing import Where, checked_where, tester
from eventlite.sourcing.waits.stored_query import dump, load


@dataclass(frozen=True, slots=True, init=False)
class Happened:
    """An event that matches a query, or has a command, and whose payload, as it is stored, is as `where` says.

    `where` maps dotted paths inside the payload to a value, or to comparisons by name: `eq`, `ne`, `gt`, `gte`, `lt`
    and `lte`, such as `Happened("paid", where={"amount": {"gte": 100}, "card.country": "NL"})`. All of them must hold.
    Raises `InvalidQueryError`.
    """

    query: Query
    where: Where

    def __init__(self, query: Query | str, where: Mapping[str, Any] | None = None) -> None:
        asked = Query(cmd=query) if isinstance(query, str) else query
        if not isinstance(asked, Query):
            raise InvalidQueryError(
                f"expected a command or a Query, not {shown(query)}", hint='For example Query(cmd="orderPaid").'
            )
        object.__setattr__(self, "query", asked)
        object.__setattr__(self, "where", {} if where is None else checked_where(where))


def happened(element: object) -> Happened:
    """What a caller waits for: a `Happened`, a `Query`, or a command."""
    return element if isinstance(element, Happened) else Happened(element)  # type: ignore[arg-type]


def scoped(element: Happened, correlation_id: str | None, tags: Sequence[str]) -> Happened:
    """The element within a correlation and tags, each where its query does not name its own."""
    return Happened(
        reduce(or_, (_within(plain, correlation_id, tags) for plain in element.query.alternatives)), element.where
    )


def _within(plain: Query, correlation_id: str | None, tags: Sequence[str]) -> Query:
    own_correlation = plain.correlation_id if plain.correlation_id is not None else correlation_id
    return replace(plain, correlation_id=own_correlation, tags=plain.tags or tuple(tags) or None)


def dump_happened(element: Happened) -> dict[str, Any]:
    """The element as JSON."""
    return {"query": dump(element.query), "where": element.where}


def load_happened(value: dict[str, Any]) -> Happened:
    """The element that `dump_happened` made this of."""
    return Happened(load(value["query"]), value["where"])


def happened_check(element: Happened) -> Check:
    """A function that says whether a row is such an event."""
    matches = matcher(element.query)
    if not element.where:
        return matches
    passes = tester(element.where)
    return lambda row: matches(row) and passes(_payload(row))


def _payload(row: Row) -> dict[str, Any]:
    return decode_object(row[6])
