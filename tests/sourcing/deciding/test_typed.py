"""Dataclasses, pydantic models and msgspec Structs, to events and back."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar
from uuid import UUID

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, Field

from eventlite import InvalidEventError
from eventlite.sourcing.typed import from_event, to_event


class Colour(Enum):
    RED = "red"


@dataclass(frozen=True)
class Line:
    sku: str
    amount: int


@dataclass
class OrderPlaced:
    cmd: ClassVar[str] = "orderPlaced"
    version: ClassVar[int] = 2
    order: UUID
    lines: list[Line]
    total: Decimal
    at: dt.datetime
    colour: Colour = Colour.RED
    note: str | None = None
    pair: tuple[int, str] = (1, "a")


class Parcel(BaseModel):
    model_config = ConfigDict(strict=True)
    version: ClassVar[int] = 3
    number: int = Field(alias="no")
    day: dt.date


class Paid(msgspec.Struct):
    cents: int
    at: dt.datetime
    lines: list[Line] = []


@dataclass
class Renamed:
    """Its fields are called like what an event has of its own."""

    cmd: str = "x"
    version: int = 9


MOMENT = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)
VALUES = [
    OrderPlaced(UUID(int=1), [Line("tea", 2)], Decimal("12.50"), MOMENT),
    Parcel(no=5, day=dt.date(2026, 2, 1)),
    Paid(5, MOMENT, [Line("tea", 2)]),
    Renamed(),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_what_is_stored_comes_back(kernel: Any, value: Any) -> None:
    (stored,) = kernel.append_many([to_event(value, tags=["order:1"], user="ada")])
    assert from_event(kernel.get(stored.id), type(value)) == value
    assert (stored.tags, stored.user) == (("order:1",), "ada")


def test_command_and_version_come_from_the_class() -> None:
    events = [to_event(value) for value in VALUES]
    assert [(event.cmd, event.version) for event in events] == [
        ("orderPlaced", 2), ("Parcel", 3), ("Paid", 1), ("Renamed", 1),
    ]  # fmt: skip
    assert events[1].data == {"no": 5, "day": "2026-02-01"}


@dataclass
class Loose:
    size: Any = None
    count: int = 0
    names: list[str] = field(default_factory=list)


class Struct(msgspec.Struct):
    count: int


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Loose(count="many"), r"Loose.count: Input should be a valid integer"),
        (Loose(names=["a", 5]), r"Loose.names.1: Input should be a valid string"),
        (Loose(size=float("inf")), r"Loose.size is inf"),
        (Loose(size=object()), r"Loose cannot be written as JSON"),
        (Struct("many"), r"Struct.count: Expected `int`, got `str`"),
        (Struct(object()), r"Struct cannot be written as JSON"),
        ({"a": 1}, r"cannot be the class of an event"),
        (5, r"cannot be the class of an event"),
    ],
)
def test_what_could_not_be_read_again_is_refused_with_its_field(value: Any, words: str) -> None:
    with pytest.raises(InvalidEventError, match=words):
        to_event(value)


def test_an_event_that_does_not_fit_is_named_with_its_field(kernel: Any) -> None:
    with pytest.raises(InvalidEventError, match=r"event 1 cannot be read: Parcel.no: Field required"):
        from_event(kernel.append("Parcel", {"day": "2026-02-01"}, version=3), Parcel)
    with pytest.raises(InvalidEventError, match=r"event 2 cannot be read: Struct: .*`count`"):
        from_event(kernel.append("Struct", {}), Struct)
    with pytest.raises(InvalidEventError, match=r"'Parcel' of version 1; Parcel is 'Parcel' of version 3"):
        from_event(kernel.append("Parcel", {"no": 1, "day": "2026-02-01"}), Parcel)
    with pytest.raises(InvalidEventError, match="is 'other'"):
        from_event(kernel.append("other", {}), Struct)


def test_upcasters_bring_old_events_to_a_class(kernel: Any) -> None:
    kernel.upcast("Parcel", 1, lambda data: {"no": data["number"], "day": "2026-02-01"}, to_version=3)
    assert from_event(kernel.append("Parcel", {"number": 5}), Parcel) == VALUES[1]
