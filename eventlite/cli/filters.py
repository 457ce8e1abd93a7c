"""The options that say which events, and the `Query` they make."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

from eventlite.query import Query, Scalar

# What Python writes for numbers that JSON does not have.
_NOT_JSON = ("NaN", "Infinity", "-Infinity")

_Function = TypeVar("_Function", bound=Callable[..., Any])


def moment(text: str) -> dt.datetime:
    """The aware datetime of an ISO 8601 time; without a time zone it is UTC."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not an ISO time such as 2026-01-31 or 2026-01-31T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def pair(text: str) -> tuple[str, Scalar]:
    """The name and value of NAME=VALUE, where the value is a JSON number, true, false or null, or else a text."""
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE")
    if value in _NOT_JSON:
        raise click.BadParameter(f"{text!r} is no JSON number; for the text write {name}='\"{value}\"'")
    return name, scalar(value)


def scalar(text: str) -> Scalar:
    """What a text on the command line means: a JSON number, true, false, null or quoted text, else the text itself."""
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if value is None or isinstance(value, str | int | float) else text


def unique(pairs: Iterable[tuple[str, Scalar]]) -> dict[str, Scalar]:
    """The pairs as a dict; a name given twice is a usage error."""
    found: dict[str, Scalar] = {}
    for name, value in pairs:
        if name in found:
            raise click.UsageError(f"{name!r} is given twice")
        found[name] = value
    return found


_OPTIONS = (
    click.option("--cmd", multiple=True, metavar="CMD", help="Only this command; several: any of them."),
    click.option("--user", metavar="USER", help="Only of this user."),
    click.option("--correlation", metavar="ID", help="Only of this correlation."),
    click.option("--causation", type=int, metavar="ID", help="Only those this event caused."),
    click.option("--tag", multiple=True, metavar="TAG", help="Only with this tag; several: all of them."),
    click.option("--since", type=moment, metavar="TIME", help="From this ISO time on; UTC unless it says."),
    click.option("--until", type=moment, metavar="TIME", help="Before this ISO time."),
    click.option("--where", type=pair, multiple=True, metavar="PATH=VALUE", help="Only with this value in the data."),
)


def query_options(function: _Function) -> _Function:
    """Add the filter options to a command, which gets the `query` they make."""

    @functools.wraps(function)
    def command(*args: Any, **options: Any) -> Any:
        return function(*args, query=_query(options), **options)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command  # type: ignore[return-value]


def _query(options: dict[str, Any]) -> Query:
    """The query; its options are taken out."""
    return Query(
        cmd=options.pop("cmd") or None,
        user=options.pop("user"),
        correlation_id=options.pop("correlation"),
        causation_id=options.pop("causation"),
        tags=options.pop("tag") or None,
        since=options.pop("since"),
        until=options.pop("until"),
        data=unique(options.pop("where")) or None,
    )
