"""Comparisons with fields of the payload, as plain data: `{"amount": {"gte": 100}, "customer.city": "Delft"}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from eventlite.errors import InvalidEventError, InvalidQueryError, shown, suggestion
from eventlite.jsontext import encode_object
from eventlite.query import Scalar, data_path

#: Comparisons by dotted path, each by its name.
Where: TypeAlias = dict[str, dict[str, Scalar]]

#: Says whether a payload is as asked for.
Test: TypeAlias = Callable[[Any], bool]

_MISSING = object()
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_NAMES = ("eq", "ne", *_ORDERS)


def checked_where(where: object) -> Where:
    """The comparisons in their full form, where a bare value means `eq`; raises `InvalidQueryError`."""
    if not isinstance(where, Mapping):
        raise InvalidQueryError(
            f"where must map paths inside the payload to comparisons, not {shown(where)}",
            hint='For example where={"amount": {"gte": 100}}.',
        )
    return {path: _checked(path, given) for path, given in where.items() if data_path(path)}


def tester(where: Where) -> Test:
    """A function that says whether a payload passes every comparison.

    Numbers compare by value, true and false are no numbers; only two numbers or two texts have an order. A field that
    is not there passes `ne` and nothing else.
    """
    tests = [
        _test(data_path(path), name, wanted) for path, compared in where.items() for name, wanted in compared.items()
    ]
    return lambda data: all(test(data) for test in tests)


def _checked(path: str, given: object) -> dict[str, Scalar]:
    compared: Mapping[Any, Any] = given if isinstance(given, Mapping) else {"eq": given}
    if not compared:
        raise InvalidQueryError(f"where[{path!r}] compares with nothing", hint=f"Comparisons are {', '.join(_NAMES)}.")
    for name, wanted in compared.items():
        _check_name(path, name)
        _check_value(path, name, wanted)
    return dict(compared)


def _check_name(path: str, name: object) -> None:
    if name not in _NAMES:
        raise InvalidQueryError(
            f"where[{path!r}] has no comparison {shown(name)}", hint=suggestion(str(name).lstrip("$"), _NAMES)
        )


def _check_value(path: str, name: str, wanted: object) -> None:
    kinds = (str, int, float) if name in _ORDERS else (str, int, float, bool, type(None))
    if type(wanted) not in kinds:
        raise InvalidQueryError(f"where[{path!r}] cannot compare {name} with {shown(wanted)}")
    try:
        encode_object({name: wanted}, f"where[{path!r}]")
    except InvalidEventError as error:
        raise InvalidQueryError(error.message, hint=error.hint) from None


def _test(path: tuple[str, ...], name: str, wanted: Scalar) -> Test:
    if name == "eq":
        return lambda data: _equal(_at(path, data), wanted)
    if name == "ne":
        return lambda data: not _equal(_at(path, data), wanted)
    holds = _ORDERS[name]
    return lambda data: _kind(found := _at(path, data)) == _kind(wanted) and holds(found, wanted)


def _equal(found: Any, wanted: Scalar) -> bool:
    return _kind(found) == _kind(wanted) and bool(found == wanted)


def _kind(value: object) -> type:
    return float if type(value) is int else type(value)


def _at(path: tuple[str, ...], value: Any) -> Any:
    for part in path:
        if not isinstance(value, dict) or part not in value:
            return _MISSING
        value = value[part]
    return value
