"""What a benchmark found, and its JSON."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import orjson

from eventlite.bench.rounds import spread
from eventlite.bench.surroundings import Surroundings
from eventlite.errors import EventLiteError

Fact: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who was measured: a profile with what matters of its settings, or somebody else's store."""

    name: str
    #: What an acknowledged append survives, in words.
    durability: str = ""
    indexes: list[str] = field(default_factory=list)
    #: Answers that the cache holds, 0 without one.
    cache: int = 0
    #: What the storage says about itself: sync mode, page size and the like.
    facts: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Figure:
    """How fast one contestant did one workload, in units per second: each round, their median and quartiles."""

    workload: str
    contestant: str
    unit: str
    rates: list[float]
    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LeftOutFigure:
    """A workload that was not measured, and why."""

    workload: str
    contestant: str
    reason: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Figures of one workload along something that varies: `x` is its name, `points` its values with their figures."""

    name: str
    title: str
    x: str
    points: list[tuple[float, Figure]]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything about one run."""

    #: ISO time of the beginning, in UTC.
    when: str
    #: Events of a filled store and of a bulk load.
    events: int
    rounds: int
    surroundings: Surroundings
    contestants: list[Contestant]
    figures: list[Figure] = field(default_factory=list)
    left_out: list[LeftOutFigure] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    #: Whatever else a reader should know, a sentence each.
    notes: list[str] = field(default_factory=list)
    schema: Literal["eventlite-bench-1"] = "eventlite-bench-1"


def figure(workload: str, contestant: str, unit: str, rates: Sequence[float]) -> Figure:
    """The figure of some rounds; rates are kept to a tenth."""
    kept = [round(rate, 1) for rate in rates]
    return Figure(workload, contestant, unit, kept, *(round(value, 1) for value in spread(kept)))


def now() -> str:
    """The present time as `Results.when` says it."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def save(results: Results, path: Path) -> None:
    """Write the JSON of results."""
    path.write_bytes(encode(results))


def encode(results: Results) -> bytes:
    """The JSON of results."""
    return orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def load(path: Path) -> Results:
    """Read what `save` wrote. Raises `EventLiteError` for anything else."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Results).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise EventLiteError(f"there is no file {path}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise EventLiteError(
            f"{path} does not hold results of a benchmark: {where + ': ' if where else ''}{first['msg']}",
            hint="Write such a file with `eventlite bench --json FILE`.",
        ) from None
