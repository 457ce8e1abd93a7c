"""Where results are kept."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import orjson

#: Dated JSON files, one for each run worth keeping.
KEPT = Path(__file__).parent / "results"


def dated(name: str) -> Path:
    """Where today's results of that name are kept."""
    return KEPT / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}-{name}.json"


def latest(name: str) -> Path | None:
    """The last results of that name, None without any."""
    return max(KEPT.glob(f"????-??-??-{name}.json"), default=None)


def write(path: Path, results: Any, **more: Any) -> None:
    """Write a dataclass, or a dict, as JSON."""
    told = asdict(results) if is_dataclass(results) and not isinstance(results, type) else results
    path.parent.mkdir(parents=True, exist_ok=True)
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    path.write_bytes(orjson.dumps({**told, **more}, _named, options))


def _named(value: Any) -> dict[str, Any]:
    """A named tuple by its names."""
    named: dict[str, Any] = value._asdict()
    return named
