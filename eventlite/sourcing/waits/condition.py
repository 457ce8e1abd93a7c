"""What a wait waits for, and how far it has come: a fold over events whose state is plain JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Any, TypeAlias

from eventlite.errors import InvalidQueryError, shown
from eventlite.event import MAX_ID, Row
from eventlite.matching import Check
from eventlite.query import Query
from eventlite.sourcing.waits.happened import Happened, dump_happened, happened, happened_check, load_happened, scoped

#: What one part has seen: ids of events, in `all_of` one for each element and 0 where it is still to come; in `count`
#: the number of events alone.
Seen: TypeAlias = list[int]

#: What each part of a condition has seen.
Progress: TypeAlias = list[Seen]

KINDS = ("all_of", "any_of", "count", "sequence")


@dataclass(frozen=True)
class Part:
    """All of some elements, any of them, a number of one, or all of them one after the other."""

    kind: str
    elements: tuple[Happened, ...]
    #: How many it takes.
    needed: int

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """Whether a row is one of the elements, for each of them."""
        return tuple(map(happened_check, self.elements))

    def start(self) -> Seen:
        """Before the first event."""
        return {"all_of": [0] * self.needed, "count": [0]}.get(self.kind, [])

    def step(self, seen: Seen, row: Row) -> Seen:
        """After one more event; one event may be several elements of `all_of`, but one of a sequence."""
        return seen if self.reached(seen) >= self.needed else _STEPS[self.kind](self.checks, seen, row)

    def reached(self, seen: Seen) -> int:
        """How many of the needed ones there are."""
        return seen[0] if self.kind == "count" else sum(map(bool, seen))


def _all(checks: Sequence[Check], seen: Seen, row: Row) -> Seen:
    return [at or (row[0] if check(row) else 0) for at, check in zip(seen, checks, strict=True)]


def _any(checks: Sequence[Check], seen: Seen, row: Row) -> Seen:
    return [row[0]] if any(check(row) for check in checks) else seen


def _count(checks: Sequence[Check], seen: Seen, row: Row) -> Seen:
    return [seen[0] + 1] if checks[0](row) else seen


def _sequence(checks: Sequence[Check], seen: Seen, row: Row) -> Seen:
    return [*seen, row[0]] if checks[len(seen)](row) else seen


_STEPS: dict[str, Callable[[Sequence[Check], Seen, Row], Seen]] = {
    "all_of": _all, "any_of": _any, "count": _count, "sequence": _sequence,
}  # fmt: skip


@dataclass(frozen=True)
class WaitCondition:
    """What has to happen: every part of it, in any order of the parts."""

    parts: tuple[Part, ...]

    def start(self) -> Progress:
        """Before the first event."""
        return [part.start() for part in self.parts]

    def step(self, progress: Progress, row: Row) -> Progress:
        """After one more event."""
        return [part.step(seen, row) for part, seen in zip(self.parts, progress, strict=True)]

    def met(self, progress: Progress) -> bool:
        """Whether all of it has happened."""
        return all(part.reached(seen) >= part.needed for part, seen in zip(self.parts, progress, strict=True))

    def interest(self) -> Query:
        """Events that may count; no other does."""
        return reduce(or_, (element.query for part in self.parts for element in part.elements))


def condition_of(
    all_of: object, any_of: object, count: object, sequence: object, *, correlation_id: str | None, tags: Sequence[str]
) -> WaitCondition:
    """The condition of `append_when`'s arguments, within a correlation and tags; raises `InvalidQueryError`."""
    lists = {"all_of": all_of, "any_of": any_of, "sequence": sequence}
    given = [(kind, _elements(kind, value)) for kind, value in lists.items() if value is not None]
    parts = [Part(kind, elements, 1 if kind == "any_of" else len(elements)) for kind, elements in given]
    if count is not None:
        parts.append(_counted(count))
    if not parts:
        raise InvalidQueryError("there is nothing to wait for", hint=f"Give one or more of {', '.join(KINDS)}.")
    return WaitCondition(tuple(_scoped(part, correlation_id, tags) for part in parts))


def dump_condition(condition: WaitCondition) -> list[dict[str, Any]]:
    """The condition as JSON."""
    return [
        {"kind": part.kind, "needed": part.needed, "elements": list(map(dump_happened, part.elements))}
        for part in condition.parts
    ]


def load_condition(parts: Sequence[dict[str, Any]]) -> WaitCondition:
    """The condition that `dump_condition` made this of."""
    return WaitCondition(
        tuple(Part(part["kind"], tuple(map(load_happened, part["elements"])), part["needed"]) for part in parts)
    )


def _elements(kind: str, value: object) -> tuple[Happened, ...]:
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if not several:
        raise InvalidQueryError(
            f"{kind} must be a list of commands, queries or Happened, not {shown(value)}",
            hint=f'For example {kind}=["orderPaid", Query(cmd="orderPacked")].',
        )
    elements = tuple(map(happened, several))
    if kind == "all_of" and any(element in elements[:index] for index, element in enumerate(elements)):
        raise InvalidQueryError(
            "all_of names the same twice, which one event would satisfy",
            hint="For several events of one kind use count=(query, number).",
        )
    return elements


def _counted(value: object) -> Part:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise InvalidQueryError(
            f"count must be a query and a number, not {shown(value)}", hint='For example count=("approved", 3).'
        )
    query, number = value
    if type(number) is not int or not 1 <= number <= MAX_ID:
        raise InvalidQueryError(f"the number in count must be an int from 1 on, not {shown(number)}")
    return Part("count", (happened(query),), number)


def _scoped(part: Part, correlation_id: str | None, tags: Sequence[str]) -> Part:
    return Part(part.kind, tuple(scoped(element, correlation_id, tags) for element in part.elements), part.needed)
