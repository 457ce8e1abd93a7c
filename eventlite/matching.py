"""What a `Query` means, as a function over rows: for storages that scan, and what every storage is tested against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from eventlite.event import Row, decode_tags
from eventlite.jsontext import canonical, decode_object
from eventlite.query import DataTerm, Query

Check: TypeAlias = Callable[[Row], bool]


def matcher(query: Query) -> Check:
    """A function that says whether a row is one of the query's events."""
    alternatives = [_all_of(list(_checks(plain))) for plain in query.alternatives]
    if len(alternatives) == 1:
        return alternatives[0]
    return lambda row: any(check(row) for check in alternatives)


def _all_of(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]
    return lambda row: all(check(row) for check in checks)


def _checks(query: Query) -> Iterator[Check]:
    """One check per filter, the cheap ones first: `data` and `tags` decode JSON."""
    for column, wanted in (
        (1, query.version),
        (3, query.user),
        (7, query.correlation_id),
        (8, query.causation_id),
    ):
        if wanted is not None:
            yield _equals(column, wanted)
    if query.cmds is not None:
        yield _is_one_of(frozenset(query.cmds))
    if query.since_us is not None:
        yield _is_from(query.since_us)
    if query.until_us is not None:
        yield _is_before(query.until_us)
    if query.all_tags:
        yield _has_tags(frozenset(query.all_tags))
    if query.terms:
        yield _has_terms(query.terms)


def _equals(column: int, wanted: str | int) -> Check:
    return lambda row: row[column] == wanted


def _is_one_of(cmds: frozenset[str]) -> Check:
    return lambda row: row[5] in cmds


def _is_from(since: int) -> Check:
    return lambda row: row[2] >= since


def _is_before(until: int) -> Check:
    return lambda row: row[2] < until


def _has_tags(wanted: frozenset[str]) -> Check:
    return lambda row: wanted.issubset(decode_tags(row[10]))


def _has_terms(terms: tuple[DataTerm, ...]) -> Check:
    def check(row: Row) -> bool:
        data = decode_object(row[6])
        return all(_text_at(term.path, data) in term.texts for term in terms)

    return check


def _text_at(path: tuple[str, ...], value: Any) -> str | None:
    """The JSON text of the scalar at a path, None when there is nothing, or no scalar."""
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return None if isinstance(value, dict | list) else canonical(value).decode()
