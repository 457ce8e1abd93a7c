"""A `Query` as JSON, so that it can be kept beside the events and mean the same in another process."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from eventlite.query import Query

_MOMENTS = ("since", "until")
_LISTS = ("cmd", "tags")
_PLAIN = ("user", "correlation_id", "causation_id", "version")


def dump(query: Query) -> list[dict[str, Any]]:
    """The query's alternatives, each with the filters it has."""
    return [_dump(plain) for plain in query.alternatives]


def load(alternatives: Sequence[dict[str, Any]]) -> Query:
    """The query that `dump` made this of."""
    return reduce(or_, map(_load, alternatives))


def _dump(plain: Query) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(plain, name) for name in _PLAIN}
    values |= {name: list(given) for name in _LISTS if (given := getattr(plain, name)) is not None}
    values |= {name: given.isoformat() for name in _MOMENTS if (given := getattr(plain, name)) is not None}
    values["data"] = None if plain.data is None else dict(plain.data)
    return {name: value for name, value in values.items() if value is not None}


def _load(values: dict[str, Any]) -> Query:
    moments = {name: dt.datetime.fromisoformat(values[name]) for name in _MOMENTS if name in values}
    return Query(**{**values, **moments})
