"""One page of a query, and the cursor that leads to the next."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from eventlite.errors import InvalidQueryError
from eventlite.event import MAX_ID, Event
from eventlite.query import Query


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the events that match a query.

    `total_count` is None when the page was asked for without its count. `next_cursor` leads to the next page at the
    same cost at any depth; `next_offset` is there for pages that were asked for by offset.
    """

    events: list[Event]
    total_count: int | None
    has_more: bool
    next_offset: int | None
    next_cursor: str | None


class Cursor(NamedTuple):
    """Where the next page begins: after the event `last`; `total` events matched when the head was `head`."""

    last: int
    total: int | None
    head: int
    backwards: bool
    query: int

    def encode(self) -> str:
        """As text for a URL."""
        return base64.urlsafe_b64encode(orjson.dumps(tuple(self))).decode().rstrip("=")


def query_mark(query: Query) -> int:
    """A number by which a cursor recognises the query it was made for."""
    return zlib.crc32(query.fingerprint.encode())


def decode_cursor(text: str, query: Query, backwards: bool) -> Cursor:
    """The cursor; raises `InvalidQueryError` unless it was made for this query and direction."""
    cursor = _parse(text)
    if (cursor.query, cursor.backwards) != (query_mark(query), backwards):
        raise InvalidQueryError(
            "the cursor belongs to another query or direction", hint="Ask for the next page as you asked for the first."
        )
    return cursor


def _parse(text: Any) -> Cursor:
    try:
        last, total, head, backwards, query = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        numbers = [last, head, query, 0 if total is None else total]
        if all(type(number) is int and 0 <= number <= MAX_ID for number in numbers) and type(backwards) is bool:
            return Cursor(last, total, head, backwards, query)
    except (ValueError, TypeError):
        pass
    raise InvalidQueryError(f"{text!r:.60} is not a cursor", hint="Pass `next_cursor` of the page before.")
