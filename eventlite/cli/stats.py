"""`stats`: what is in the store, counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import limit_option, open_kernel, options_of
from eventlite.cli.events import iso
from eventlite.cli.output import print_json, print_line, safe, size, stdout, table

if TYPE_CHECKING:
    from eventlite.contracts import Statistics

# Characters of the longest bar.
_BAR = 24


@click.command("stats")
@limit_option(15, "Lines of each table.")
@click.pass_context
def stats(ctx: click.Context, limit: int) -> None:
    """Count events by command, user and version, and say how large the store is.

    Example: eventlite stats --db app.db
    """
    with open_kernel(ctx) as kernel:
        counted, facts = kernel.storage.statistics(), dict(kernel.storage.facts())
        indexes = [index.name for index in kernel.storage.indexes()]
    if options_of(ctx).json:
        print_json(_as_json(counted, facts, indexes))
    else:
        _show(counted, facts, indexes, limit)


def _as_json(counted: Statistics, facts: Mapping[str, Any], indexes: list[str]) -> dict[str, Any]:
    return {
        "events": counted.events,
        "head": counted.head,
        "correlations": counted.correlations,
        "roots": counted.roots,
        "children": counted.children,
        "first": iso(counted.first),
        "last": iso(counted.last),
        "by_cmd": dict(counted.by_cmd),
        "by_user": dict(counted.by_user),
        "by_version": {str(version): count for version, count in counted.by_version.items()},
        "indexes": indexes,
        "storage": facts,
    }


def _show(counted: Statistics, facts: Mapping[str, Any], indexes: list[str], limit: int) -> None:
    summary = [
        ("events", f"{counted.events:,}"),
        ("correlations", f"{counted.correlations:,}"),
        ("roots", f"{counted.roots:,}"),
        ("children", f"{counted.children:,}"),
        ("first", iso(counted.first) or "-"),
        ("last", iso(counted.last) or "-"),
        ("indexes", ", ".join(indexes) or "-"),
    ]
    _print_pairs([*summary, *_storage_lines(facts)])
    versions = {str(version): count for version, count in counted.by_version.items()}
    for heading, counts in (("command", counted.by_cmd), ("user", counted.by_user), ("version", versions)):
        if counts:
            _print_counts(heading, counts, limit)


def _storage_lines(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The facts of the storage, one a line; a fact that has parts becomes a line for each part."""
    lines = []
    for name, value in facts.items():
        parts = value.items() if isinstance(value, Mapping) else [("", value)]
        lines += [(f"{_words(name)} {part}".strip(), _fact(name, worth)) for part, worth in parts]
    return lines


def _words(name: str) -> str:
    return name.removesuffix("_bytes").replace("_", " ")


def _fact(name: str, value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return size(value) if "size" in name or "bytes" in name else f"{value:,}"
    return str(value)


def _print_pairs(pairs: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in pairs) + 2
    for name, value in pairs:
        print_line(f"{click.style(name.ljust(width), dim=True)}{safe(value)}")


def _print_counts(heading: str, counts: Mapping[str, int], limit: int) -> None:
    """A table of the commonest values with a bar for each."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    drawn = table(heading, "events", "", numbers=("events",))
    for name, count in ranked[:limit]:
        bar = "█" * max(1, round(_BAR * count / ranked[0][1]))
        drawn.add_row(safe(name) or "(none)", f"{count:,}", bar)
    if len(ranked) > limit:
        drawn.add_row(f"and {len(ranked) - limit:,} more", f"{sum(count for _, count in ranked[limit:]):,}", "")
    print_line()
    stdout().print(drawn)
