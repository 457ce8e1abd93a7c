"""From a `Query` to SQL. Values are always parameters; names come from this file, paths from checked parts.

Each alternative of a query becomes a scan in id order, served by one index, and the scans are merged by id: a page
costs the same at any depth. A list of commands and the several JSON texts of a number are alternatives too. How many
rows are wanted stands in the text: the planner could not know that a parameter is small.

A scan for one value that many events may share is led by its column, if that has an index: it compares and orders pairs
of value and id, which only that index has in order. Asked for the value and ordered by id alone, the planner would go
through all events by id, in the belief that the wanted ones lie everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any, NamedTuple

from eventlite.event import to_microseconds
from eventlite.query import MAX_ALTERNATIVES, Query
from eventlite_postgres.texts import COLUMN_LIST, Texts, identifier, quoted

_COLUMNS = (
    ("user", 'event."user" = %s'),
    ("correlation_id", "event.correlation_id = %s"),
    ("causation_id", "event.causation_id = %s"),
    ("version", "event.version = %s"),
)

#: Columns of few values, of which one may have most of the events.
LEADING = ("cmd", "user", "version")

#: Beyond this many scans a list becomes one scan with ANY, read in id order without a promise of depth.
MAX_SCANS = 64

#: Of tags beyond this number it is counted how many an event has: joins of many tables take long to plan.
MAX_JOINED = 6

#: Characters of a value inside the payload that an index holds: an entry of PostgreSQL's has 2,700 bytes at most.
INDEXED = 500


class Shape(NamedTuple):
    """What a scan compares, without the values: the part of a statement that is worth keeping."""

    tags: int
    conditions: tuple[str, ...]
    #: The column that leads it, which is all that it compares.
    lead: str = ""


class Scan(NamedTuple):
    """One shape and its values."""

    shape: Shape
    values: tuple[Any, ...]

    def within(self, after: int, before: int) -> tuple[Any, ...]:
        """The values of the scan between two positions."""
        if self.shape.lead:
            return (*self.values, after, *self.values, before)
        return (*self.values, after, before)


def scans(schema: str, query: Query) -> list[Scan]:
    """The scans whose union the query is; none where nothing can match."""
    most = MAX_SCANS if not query.union else min(MAX_SCANS, MAX_ALTERNATIVES // len(query.union))
    return [scan for plain in query.alternatives for scan in _plain_scans(schema, plain, most)]


def led(found: list[Scan], indexed: frozenset[str]) -> list[Scan]:
    """The scans, those of one value of an indexed column led by it."""
    leads = {f"event.{quoted(column)} = %s": f"event.{quoted(column)}" for column in indexed.intersection(LEADING)}
    return [
        Scan(Shape(0, (), leads[scan.shape.conditions[0]]), scan.values)
        if not scan.shape.tags and len(scan.shape.conditions) == 1 and scan.shape.conditions[0] in leads
        else scan
        for scan in found
    ]


def read(
    texts: Texts, found: list[Scan], after: int, before: int, limit: int, offset: int, backwards: bool
) -> tuple[str, list[Any]]:
    """The statement and parameters that read events; `before` is exclusive."""
    parameters = [value for scan in found for value in scan.within(after, before)]
    shapes = tuple(scan.shape for scan in found)
    build = _read_one if len(shapes) == 1 else _read_merged
    return build(texts, shapes, limit, offset, "DESC" if backwards else "ASC"), parameters


def count(texts: Texts, found: list[Scan], after: int, before: int) -> tuple[str, list[Any]]:
    """The statement and parameters that count events."""
    parameters = [value for scan in found for value in (*scan.values, after, before)]
    return _count(texts, tuple(scan.shape for scan in found)), parameters


def last(texts: Texts, found: list[Scan], after: int) -> tuple[str, list[Any]]:
    """The statement and parameters of the greatest matching id beyond a position."""
    parameters = [value for scan in found for value in (*scan.values, after)]
    return _last(texts, tuple(scan.shape for scan in found)), parameters


def expression(schema: str, path: tuple[str, ...], table: str = "event.") -> str:
    """The first part of the JSON text at a path of the payload, exactly as an index over it says."""
    return f"left({_value(schema, path, table)}, {INDEXED})"


def _value(schema: str, path: tuple[str, ...], table: str) -> str:
    """The JSON text at a path. The keys are texts: a number would look into a list."""
    steps = "".join(f" -> {_literal(part)}::text" for part in path)
    return f"({identifier(schema)}.event_json({table}data){steps})::text"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _plain_scans(schema: str, query: Query, most: int) -> list[Scan]:
    """One scan, or one per combination of values where a filter names several and there are no more than `most`."""
    conditions, values = _equalities(schema, query)
    _bound(query, conditions, values)
    several = [(column, _storable(texts)) for column, texts in _several(schema, query)]
    if len(_storable(values)) < len(values) or not all(choices for _, choices in several):
        return []
    tags = len(query.all_tags)
    if not several:
        return [Scan(Shape(tags, tuple(conditions)), tuple(values))]
    columns, choices = zip(*several, strict=True)
    if prod(map(len, choices)) > most:
        wide = (f"{column} = ANY(%s::text[])" for column in columns)
        return [Scan(Shape(tags, (*conditions, *wide)), (*values, *map(list, choices)))]
    shape = Shape(tags, (*conditions, *(f"{column} = %s" for column in columns)))
    return [Scan(shape, (*values, *combination)) for combination in product(*choices)]


def _storable(values: Sequence[Any]) -> list[Any]:
    """Without texts that no event has: PostgreSQL keeps no NUL."""
    return [value for value in values if not (isinstance(value, str) and "\0" in value)]


def _equalities(schema: str, query: Query) -> tuple[list[str], list[Any]]:
    """The conditions that ask for one value, and the values, those of the tags first."""
    conditions, values = [], list[Any](query.all_tags)
    if len(query.all_tags) > MAX_JOINED:
        values = [*query.all_tags[:MAX_JOINED], list(query.all_tags[MAX_JOINED:])]
        if any("\0" in tag for tag in query.all_tags):
            values.append("\0")
    for name, condition in _COLUMNS:
        value = getattr(query, name)
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if query.cmds is not None and len(query.cmds) == 1:
        conditions.append("event.cmd = %s")
        values += query.cmds
    for term in query.terms:
        if len(term.texts) == 1:
            text = _comparable(term.texts[0])
            conditions.append(f"{expression(schema, term.path)} = %s")
            values.append(text[:INDEXED])
            if len(text) >= INDEXED:
                conditions.append(f"{_value(schema, term.path, 'event.')} = %s")
                values.append(text)
    return conditions, values


def _several(schema: str, query: Query) -> list[tuple[str, tuple[str, ...]]]:
    """The columns that may have one of several values."""
    found = [(expression(schema, term.path), term.texts) for term in query.terms if len(term.texts) > 1]
    if query.cmds is not None and len(query.cmds) > 1:
        found.append(("event.cmd", query.cmds))
    return found


def _comparable(text: str) -> str:
    """A JSON text as `event_json` makes it: with another escape for NUL."""
    return re.sub(r"(?<!\\)((?:\\\\)*)\\u0000", r"\1\\/", text) if "\\u0000" in text else text


def _bound(query: Query, conditions: list[str], values: list[Any]) -> None:
    """Add the limits of time."""
    if query.since is not None:
        conditions.append("event.datetime >= %s")
        values.append(to_microseconds(query.since))
    if query.until is not None:
        conditions.append("event.datetime < %s")
        values.append(to_microseconds(query.until))


def _source(texts: Texts, shape: Shape, whole: bool = False) -> tuple[str, str, list[str]]:
    """The position column, the FROM clause and the WHERE conditions of a scan; with the event's columns if `whole`."""
    if not shape.tags:
        return "event.id", f"{texts.event} AS event", list(shape.conditions)
    tables, conditions = [f"{texts.tag} AS t0"], ["t0.tag = %s"]
    for index in range(1, min(shape.tags, MAX_JOINED)):
        tables.append(f"JOIN {texts.tag} AS t{index} ON t{index}.event_id = t0.event_id")
        conditions.append(f"t{index}.tag = %s")
    if shape.tags > MAX_JOINED:
        conditions.append(
            f"(SELECT count(*) FROM {texts.tag} AS t WHERE t.event_id = t0.event_id AND t.tag = ANY(%s::text[])) "
            f"= {shape.tags - MAX_JOINED}"
        )
    if shape.conditions or whole:
        tables.append(f"JOIN {texts.event} AS event ON event.id = t0.event_id")
    return "t0.event_id", " ".join(tables), [*conditions, *shape.conditions]


def _where(conditions: list[str], *bounds: str) -> str:
    return " AND ".join((*conditions, *bounds))


def _ordered(texts: Texts, shape: Shape, order: str, *, whole: bool) -> tuple[str, str]:
    """The position column of a scan, and its FROM, WHERE and ORDER BY."""
    position, source, conditions = _source(texts, shape, whole)
    if shape.lead:
        pair = f"({shape.lead}, {position})"
        where = f"{pair} > (%s, %s) AND {pair} < (%s, %s)"
        return position, f"{source} WHERE {where} ORDER BY {shape.lead} {order}, {position} {order}"
    where = _where(conditions, f"{position} > %s", f"{position} < %s")
    return position, f"{source} WHERE {where} ORDER BY {position} {order}"


def _window(limit: int, offset: int) -> str:
    return f"LIMIT {limit}" + (f" OFFSET {offset}" if offset else "")


@lru_cache(1024)
def _read_one(texts: Texts, shapes: tuple[Shape, ...], limit: int, offset: int, order: str) -> str:
    _, rows = _ordered(texts, shapes[0], order, whole=True)
    return f"SELECT {COLUMN_LIST} FROM {rows} {_window(limit, offset)}"


@lru_cache(128)
def _read_merged(texts: Texts, shapes: tuple[Shape, ...], limit: int, offset: int, order: str) -> str:
    parts = []
    for shape in shapes:
        position, rows = _ordered(texts, shape, order, whole=False)
        parts.append(f"(SELECT {position} AS id FROM {rows} LIMIT {limit + offset})")
    ids = " UNION ".join(parts)
    hits = f"SELECT id FROM ({ids}) AS scan ORDER BY id {order} {_window(limit, offset)}"
    return (
        f"SELECT {COLUMN_LIST} FROM ({hits}) AS hit "
        f"JOIN {texts.event} AS event ON event.id = hit.id ORDER BY event.id {order}"
    )


@lru_cache(512)
def _count(texts: Texts, shapes: tuple[Shape, ...]) -> str:
    parts = []
    for shape in shapes:
        position, source, conditions = _source(texts, shape)
        where = _where(conditions, f"{position} > %s", f"{position} < %s")
        parts.append(f"SELECT {position} AS id FROM {source} WHERE {where}")
    if len(parts) == 1:
        return parts[0].replace(f"SELECT {position} AS id", "SELECT count(*)", 1)
    return f"SELECT count(*) FROM ({' UNION '.join(parts)}) AS scan"


@lru_cache(512)
def _last(texts: Texts, shapes: tuple[Shape, ...]) -> str:
    parts = []
    for shape in shapes:
        position, source, conditions = _source(texts, shape)
        where = _where(conditions, f"{position} > %s")
        parts.append(f"(SELECT {position} AS id FROM {source} WHERE {where} ORDER BY {position} DESC LIMIT 1)")
    return f"SELECT max(id) FROM ({' UNION ALL '.join(parts)}) AS scan"
