"""Which events: `Query`; and the guard of an append: `Condition`."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from eventlite.errors import InvalidQueryError, shown
from eventlite.event import MAX_ID, to_microseconds
from eventlite.jsontext import canonical, is_unicode

Scalar: TypeAlias = str | int | float | bool | None

#: The most plain queries that `|` may join.
MAX_ALTERNATIVES = 500

#: The most paths inside the payload that a plain query may ask for.
MAX_PATHS = 100

#: The most commands, tags and values inside the payload that a query may name, all alternatives together.
MAX_VALUES = 10_000


@dataclass(frozen=True, slots=True)
class DataTerm:
    """One condition on the payload: the value at `path` is, as JSON text, one of `texts`."""

    path: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """Events that have all of the given values; `a | b` is the events of either.

    `cmd` may be several commands, of which an event has one. `tags` are tags of which an event has all. `since` is
    inclusive and `until` exclusive; both must be aware. `data` maps dotted paths inside the payload, as it is
    stored and not as upcasters lift it, to scalars: numbers compare by value, and true is not 1. None means no filter.
    Raises `InvalidQueryError`, also for more than 10,000 commands and tags, 100 paths or 500 alternatives.
    """

    cmd: str | Sequence[str] | None = None
    user: str | None = None
    correlation_id: str | None = None
    causation_id: int | None = None
    version: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    tags: str | Sequence[str] | None = None
    data: Mapping[str, Scalar] | None = field(default=None, compare=False)
    #: For plugins: the parts of `data`, ready to compare with stored JSON.
    terms: tuple[DataTerm, ...] = field(default=(), init=False, repr=False)
    #: For plugins: the queries whose union this is; empty for a plain query.
    union: tuple[Query, ...] = field(default=(), init=False, repr=False)

    def __post_init__(self) -> None:
        if self.cmd is not None:
            _set(self, "cmd", _names(self.cmd, "cmd"))
        if self.tags is not None:
            _set(self, "tags", _names(self.tags, "tags"))
        if self.data is not None:
            _set(self, "terms", _terms(self.data))
        if self.user is not None:
            _check_text(self.user, "user")
        if self.correlation_id is not None:
            _check_text(self.correlation_id, "correlation_id")
        if self.causation_id is not None:
            _check_number(self.causation_id, "causation_id")
        if self.version is not None:
            _check_number(self.version, "version")
        if self.since is not None:
            _check_moment(self.since, "since")
        if self.until is not None:
            _check_moment(self.until, "until")

    def __or__(self, other: Query) -> Query:
        if not isinstance(other, Query):
            return NotImplemented
        either = Query()
        _set(either, "union", _joined(self, other))
        return either

    @property
    def alternatives(self) -> tuple[Query, ...]:
        """The plain queries whose union this is: itself, unless made with `|`."""
        return self.union or (self,)

    @property
    def fingerprint(self) -> str:
        """A text that is equal exactly for equal queries."""
        return "|".join(sorted(_fingerprint(plain) for plain in self.alternatives))

    @property
    def cmds(self) -> tuple[str, ...] | None:
        """The commands, normalised."""
        return self.cmd  # type: ignore[return-value]

    @property
    def all_tags(self) -> tuple[str, ...]:
        """The tags, normalised; empty for no filter."""
        return self.tags or ()  # type: ignore[return-value]

    @property
    def since_us(self) -> int | None:
        """`since` in microseconds since the epoch."""
        return None if self.since is None else to_microseconds(self.since)

    @property
    def until_us(self) -> int | None:
        """`until` in microseconds since the epoch."""
        return None if self.until is None else to_microseconds(self.until)


#: The query of every event.
ALL_EVENTS = Query()


@dataclass(frozen=True, slots=True)
class Condition:
    """Append only if no event that matches `query` stands after position `after`.

    The query may use tags, cmd, correlation_id and causation_id only: an unindexed check would hold the write lock.
    Raises `InvalidQueryError`.
    """

    query: Query
    after: int = 0

    def __post_init__(self) -> None:
        check_query(self.query)
        check_position(self.after, "after")
        for plain in self.query.alternatives:
            _check_guard(plain)


def check_query(query: object) -> None:
    """Raise `InvalidQueryError` unless it is a `Query`."""
    if not isinstance(query, Query):
        raise InvalidQueryError(
            f"expected a Query, not {shown(query)}", hint='For example Query(cmd="userRegistered").'
        )


def check_position(position: object, name: str) -> None:
    """Raise `InvalidQueryError` unless it is an int from 0 to 2^53."""
    if type(position) is not int or not 0 <= position <= MAX_ID + 1:
        raise InvalidQueryError(f"{name} must be a position, an int from 0 on, not {shown(position)}")


def check_reached(position: int, head: int, name: str) -> None:
    """Raise `InvalidQueryError` for a position beyond the head: the events up to it would be left out."""
    if position > head:
        raise InvalidQueryError(
            f"{name} {position:,} is beyond the head, {head:,}", hint="Use the id of an event that is stored, or 0."
        )


def check_size(size: object, name: str) -> None:
    """Raise `InvalidQueryError` unless it is an int from 1 on."""
    if type(size) is not int or not 1 <= size <= MAX_ID:
        raise InvalidQueryError(f"{name} must be an int from 1 on, not {shown(size)}")


def _fingerprint(query: Query) -> str:
    """Every value with its kind, so that 1 and "1" differ."""
    terms = [[term.path, term.texts] for term in query.terms]
    names = (query.cmd, query.user, query.correlation_id, query.causation_id, query.version, query.tags)
    return canonical([*names, query.since_us, query.until_us, terms]).decode()


def _set(query: Query, name: str, value: object) -> None:
    object.__setattr__(query, name, value)


def _joined(one: Query, other: Query) -> tuple[Query, ...]:
    """The alternatives of both, each once."""
    found = tuple(dict.fromkeys(one.alternatives + other.alternatives))
    _check_number_of(len(found), "alternatives", MAX_ALTERNATIVES)
    values = sum(len(plain.cmds or ()) + len(plain.all_tags) + len(plain.terms) for plain in found)
    _check_number_of(values, "commands, tags and values", MAX_VALUES)
    return found


def _check_number_of(number: int, what: str, most: int) -> None:
    if number > most:
        raise InvalidQueryError(
            f"a query may have at most {most:,} {what}, not {number:,}",
            hint="Ask in several queries, or for something wider.",
        )


def _names(value: object, name: str) -> tuple[str, ...]:
    names = (
        (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence | set | frozenset) else ()
    )
    _check_number_of(len(names), "values of " + name, MAX_VALUES)
    if not names or not all(isinstance(item, str) and item and is_unicode(item) for item in names):
        raise InvalidQueryError(
            f"{name} must be a text or several, not {shown(value)}",
            hint="Leave it out, or pass None, for no filter.",
        )
    return tuple(sorted(set(names)))


def _terms(data: object) -> tuple[DataTerm, ...]:
    if not isinstance(data, Mapping) or not data:
        raise InvalidQueryError(
            f"data must map paths inside the payload to values, not {shown(data)}",
            hint='For example Query(data={"order_id": "A1"}).',
        )
    _check_number_of(len(data), "paths inside the payload", MAX_PATHS)
    return tuple(DataTerm(data_path(path), _texts(path, data[path])) for path in sorted(data, key=str))


def data_path(path: object) -> tuple[str, ...]:
    """The parts of a dotted path inside the payload; raises `InvalidQueryError`."""
    parts = tuple(path.split(".")) if isinstance(path, str) else ()
    if not parts or not all(
        part and not any(sign in part for sign in '"\\\0') and part.isprintable() for part in parts
    ):
        raise InvalidQueryError(
            f"{shown(path)} is not a path inside the payload",
            hint="Join key names with dots, such as customer.city.",
        )
    return parts


def _texts(path: str, value: object) -> tuple[str, ...]:
    """The JSON texts that a value may be stored as: 1 and 1.0 are one number."""
    if type(value) is int or type(value) is float:
        texts = {canonical(number).decode() for number in _equal_numbers(value)}
        if not texts:
            raise InvalidQueryError(f"data[{path!r}] must be finite or an int of 64 bits, not {shown(value)}")
        return tuple(sorted(texts))
    if value is not None and type(value) is not bool and type(value) is not str:
        raise InvalidQueryError(f"data[{path!r}] must be a text, number, bool or None, not {shown(value)}")
    _check_text(value if type(value) is str else None, f"data[{path!r}]")
    return (canonical(value).decode(),)


def _equal_numbers(value: int | float) -> Iterator[int | float]:
    """The finite floats and 64-bit ints that equal a number; minus zero is zero."""
    if value == 0:
        yield from (0, 0.0, -0.0)
    elif -(2**63) <= value < 2**64:
        yield from (number for number in (int(value), float(value)) if number == value)
    elif isinstance(value, float) and math.isfinite(value):
        yield value


def _check_text(value: object, name: str) -> None:
    if value is not None and not (isinstance(value, str) and is_unicode(value)):
        raise InvalidQueryError(f"{name} must be a text, not {shown(value)}")


def _check_number(value: object, name: str) -> None:
    if value is not None and (type(value) is not int or not 1 <= value <= MAX_ID):
        raise InvalidQueryError(f"{name} must be an int from 1 to {MAX_ID}, not {shown(value)}")


def _check_moment(value: object, name: str) -> None:
    if value is None:
        return
    if not isinstance(value, dt.datetime):
        raise InvalidQueryError(f"{name} must be a datetime, not {shown(value)}")
    if value.utcoffset() is None:
        raise InvalidQueryError(
            f"{name} must say its time zone, but {value.isoformat()} has none",
            hint="Pass an aware datetime, such as datetime.now(timezone.utc).",
        )


def _check_guard(query: Query) -> None:
    unindexed = [name for name in ("user", "version", "since", "until", "data") if getattr(query, name) is not None]
    if unindexed:
        raise InvalidQueryError(
            f"a condition cannot ask for {', '.join(unindexed)}",
            hint="Use tags, cmd, correlation_id and causation_id: the check runs while the store is locked.",
        )
