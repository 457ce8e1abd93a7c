"""From a `Query` to SQL. Values are always parameters; names come from this file, paths from checked parts.

Each alternative of a query becomes a scan in id order, served by one index, and the scans are merged by id: a page
costs the same at any depth. A list of commands and the several JSON texts of a number are alternatives too.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain, product
from math import prod
from operator import itemgetter
from typing import Any, NamedTuple

from eventlite.contracts import PlainDrafts
from eventlite.event import COLUMNS, Draft, to_microseconds
from eventlite.query import MAX_ALTERNATIVES, Query
from eventlite_sqlite.inserting import Insertion, placeholders

COLUMN_LIST = ", ".join(f"event.{name}" for name in COLUMNS)
GET = f"SELECT {COLUMN_LIST} FROM event WHERE id = ?"
ALL_BETWEEN = f"SELECT {COLUMN_LIST} FROM event NOT INDEXED WHERE id > ? AND id < ? ORDER BY id"
NEXT = f"SELECT {COLUMN_LIST} FROM event NOT INDEXED WHERE id > ? ORDER BY id LIMIT 1"
BY_KEY = f"SELECT {COLUMN_LIST} FROM event WHERE key = ?"
HEAD = "SELECT max(id) FROM event"
INSERT = Insertion("event", COLUMNS, placeholders(len(COLUMNS)))

# Columns of a plain draft. The three others stay out: sqlite3 looks for an adapter of every None that it binds, which
# costs a quarter of the insert, and a text that is always the same need not be bound.
_PLAIN = tuple(name for name in COLUMNS[1:] if name not in ("causation_id", "tags", "key"))
INSERT_PLAIN = Insertion("event", (*_PLAIN, "tags"), f"({', '.join('?' * len(_PLAIN))}, '[]')")

# Columns of a draft that has tags, but no cause and no key.
_TAGGED = (*_PLAIN, "tags")
INSERT_TAGGED = Insertion("event", _TAGGED, placeholders(len(_TAGGED)))
_tagged_values = itemgetter(*(COLUMNS.index(name) - 1 for name in _TAGGED))

DELETE = "DELETE FROM event WHERE id = ?"
INSERT_TAG = Insertion("event_tag", ("tag", "event_id"), placeholders(2))

#: Where several indexes would do, SQLite takes the one whose events are fewest, of which it knows nothing by itself.
_COLUMNS = (
    ("user", "event.user = ?"),
    ("correlation_id", "likelihood(event.correlation_id = ?, 0.000005)"),
    ("causation_id", "likelihood(event.causation_id = ?, 0.000005)"),
    ("version", "event.version = ?"),
)

#: A range of so many positions is counted by position.
NARROW = 10_000

#: Beyond this many scans a list becomes one scan with IN, read in id order without a promise of depth.
MAX_SCANS = 64

#: A query with several scans repeats no more values than this for each of them: SQLite counts parameters.
MAX_REPEATED = 16

#: SQLite joins 64 tables at most; of tags beyond this number it is counted how many an event has.
MAX_JOINED = 32


class Shape(NamedTuple):
    """What a scan compares, without the values: the part of a statement that is worth keeping."""

    tags: int
    conditions: tuple[str, ...]


class Scan(NamedTuple):
    """One shape and its values."""

    shape: Shape
    values: tuple[Any, ...]


def insertion(drafts: Sequence[Draft]) -> tuple[Insertion, Sequence[Sequence[Any]]]:
    """How to insert drafts without causes and keys, numbered by SQLite, and their rows."""
    if isinstance(drafts, PlainDrafts):
        return INSERT_PLAIN, drafts.rows
    return INSERT_TAGGED, list(map(_tagged_values, drafts))


def scans(query: Query) -> list[Scan]:
    """The scans whose union the query is: 500 at most, which is also what SQLite takes in one compound SELECT."""
    if not query.union:
        return _plain_scans(query, MAX_SCANS)
    most = min(MAX_SCANS, MAX_ALTERNATIVES // len(query.union))
    return [scan for plain in query.union for scan in _plain_scans(plain, most)]


def read(found: list[Scan], after: int, before: int, limit: int, offset: int, backwards: bool) -> tuple[str, list[Any]]:
    """The statement and parameters that read events; `before` is exclusive."""
    if len(found) == 1:
        shape, values = found[0]
        return _read_one(shape, backwards), [*values, after, before, limit, offset]
    parameters: list[Any] = []
    for scan in found:
        parameters += [*scan.values, after, before, limit + offset]
    text = _read_merged(tuple(scan.shape for scan in found), backwards)
    return text, [*parameters, limit, offset]


def count(found: list[Scan], after: int, before: int) -> tuple[str, list[Any]]:
    """The statement and parameters that count events."""
    parameters = [value for scan in found for value in (*scan.values, after, before)]
    return _count(tuple(scan.shape for scan in found), before - after <= NARROW), parameters


def last(found: list[Scan], after: int) -> tuple[str, list[Any]]:
    """The statement and parameters of the greatest matching id beyond a position."""
    parameters = [value for scan in found for value in (*scan.values, after)]
    return _last(tuple(scan.shape for scan in found)), parameters


def expression(path: tuple[str, ...]) -> str:
    """The JSON text at a path of the payload, exactly as an index over it says; parts hold no quote or backslash."""
    inner = ".".join(f'"{part}"' for part in path).replace("'", "''")
    return f"event.data -> '$.{inner}'"


def _plain_scans(query: Query, most: int) -> list[Scan]:
    """One scan, or one per combination of values where a filter names several and there are no more than `most`."""
    conditions, values = _equalities(query)
    _bound(query, conditions, values)
    several = _several(query)
    tags = len(query.all_tags)
    if not several:
        return [Scan(Shape(tags, tuple(conditions)), tuple(values))]
    columns, choices = zip(*several, strict=True)
    if prod(map(len, choices)) > most or len(values) > MAX_REPEATED:
        wide = (f"{column} IN ({', '.join('?' * len(texts))})" for column, texts in several)
        return [Scan(Shape(tags, (*conditions, *wide)), (*values, *chain.from_iterable(choices)))]
    shape = Shape(tags, (*conditions, *(f"{column} = ?" for column in columns)))
    return [Scan(shape, (*values, *combination)) for combination in product(*choices)]


def _equalities(query: Query) -> tuple[list[str], list[Any]]:
    """The conditions that ask for one value, and the values, those of the tags first."""
    conditions, values = [], list[Any](query.all_tags)
    for name, condition in _COLUMNS:
        value = getattr(query, name)
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if query.cmds is not None and len(query.cmds) == 1:
        conditions.append("event.cmd = ?")
        values += query.cmds
    for term in query.terms:
        if len(term.texts) == 1:
            conditions.append(f"{expression(term.path)} = ?")
            values += term.texts
    return conditions, values


def _several(query: Query) -> list[tuple[str, tuple[str, ...]]]:
    """The columns that may have one of several values."""
    if not query.terms and (query.cmds is None or len(query.cmds) == 1):
        return []
    found = [(expression(term.path), term.texts) for term in query.terms if len(term.texts) > 1]
    if query.cmds is not None and len(query.cmds) > 1:
        found.append(("event.cmd", query.cmds))
    return found


def _bound(query: Query, conditions: list[str], values: list[Any]) -> None:
    """Add the limits of time."""
    if query.since is not None:
        conditions.append("event.datetime >= ?")
        values.append(to_microseconds(query.since))
    if query.until is not None:
        conditions.append("event.datetime < ?")
        values.append(to_microseconds(query.until))


def _source(shape: Shape) -> tuple[str, str, list[str]]:
    """The position column, the FROM clause and the WHERE conditions of a scan."""
    if not shape.tags:
        return "event.id", "event", list(shape.conditions)
    tables = ["event_tag AS t0"]  # CROSS JOIN keeps it outermost, so that the result comes in id order
    conditions = ["t0.tag = ?"]
    for index in range(1, min(shape.tags, MAX_JOINED)):
        tables.append(f"CROSS JOIN event_tag AS t{index} ON t{index}.event_id = t0.event_id")
        conditions.append(f"t{index}.tag = ?")
    if shape.tags > MAX_JOINED:
        conditions.append(_has_all(shape.tags - MAX_JOINED))
    if shape.conditions:
        tables.append("CROSS JOIN event ON event.id = t0.event_id")
    return "t0.event_id", " ".join(tables), [*conditions, *shape.conditions]


def _has_all(tags: int) -> str:
    """The condition that an event has as many tags more."""
    listed = ", ".join("?" * tags)
    return f"(SELECT count(*) FROM event_tag AS t WHERE t.event_id = t0.event_id AND t.tag IN ({listed})) = {tags}"


def _between(position: str) -> tuple[str, str]:
    """Bounds that SQLite may use inside an index but does not take for a reason to prefer the table's own order."""
    return f"likely({position} > ?)", f"likely({position} < ?)"


def _ids(shape: Shape) -> str:
    position, source, conditions = _source(shape)
    where = " AND ".join([*conditions, *_between(position)])
    return f"SELECT {position} AS id FROM {source} WHERE {where}"


@lru_cache(512)
def _read_one(shape: Shape, backwards: bool) -> str:
    order = "DESC" if backwards else "ASC"
    position, source, conditions = _source(shape)
    if shape.tags and not shape.conditions:
        source += " CROSS JOIN event ON event.id = t0.event_id"
    where = " AND ".join([*conditions, *_between(position)])
    return f"SELECT {COLUMN_LIST} FROM {source} WHERE {where} ORDER BY {position} {order} LIMIT ? OFFSET ?"


@lru_cache(128)
def _read_merged(shapes: tuple[Shape, ...], backwards: bool) -> str:
    order = "DESC" if backwards else "ASC"
    parts = [f"SELECT id FROM ({_ids(shape)} ORDER BY 1 {order} LIMIT ?)" for shape in shapes]
    return f"SELECT {COLUMN_LIST} FROM event WHERE id IN ({' UNION '.join(parts)}) ORDER BY id {order} LIMIT ? OFFSET ?"


@lru_cache(512)
def _count(shapes: tuple[Shape, ...], narrow: bool) -> str:
    """In a narrow range the positions themselves are the quickest way in, whatever index there is."""
    parts = []
    for shape in shapes:
        position, source, conditions = _source(shape)
        bounds = (f"{position} > ?", f"{position} < ?") if narrow or not conditions else _between(position)
        parts.append(f"SELECT {position} AS id FROM {source} WHERE {' AND '.join([*conditions, *bounds])}")
    return f"SELECT count(*) FROM ({' UNION '.join(parts)})"


@lru_cache(512)
def _last(shapes: tuple[Shape, ...]) -> str:
    parts = []
    for shape in shapes:
        position, source, conditions = _source(shape)
        where = " AND ".join([*conditions, f"likely({position} > ?)"])
        parts.append(f"SELECT (SELECT {position} FROM {source} WHERE {where} ORDER BY 1 DESC LIMIT 1) AS id")
    return f"SELECT max(id) FROM ({' UNION ALL '.join(parts)})" if len(parts) > 1 else parts[0]
