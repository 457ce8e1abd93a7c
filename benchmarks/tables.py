"""`python -m benchmarks.tables`: the tables of the performance guide, from the results that are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from benchmarks.keeping import latest

#: The guide; a table stands between two comments that name the results it is from.
GUIDE = Path(__file__).parents[1] / "docs" / "performance.md"


@click.command("tables")
@click.option("--guide", type=click.Path(path_type=Path, exists=True, dir_okay=False), default=GUIDE, show_default=True)
@click.option("--check", is_flag=True, help="Write nothing; fail if the guide says something else.")
def main(guide: Path, check: bool) -> None:
    """Write the tables of the latest results into the guide."""
    text = written = guide.read_text(encoding="utf-8")
    for name, table in TABLES.items():
        written = with_table(written, name, table(_kept(name)))
    if check and written != text:
        raise click.ClickException(
            f"{guide} shows other tables than those of the latest results: python -m benchmarks.tables"
        )
    if not check:
        guide.write_text(written, encoding="utf-8")


def _kept(name: str) -> Path:
    kept = latest(name)
    if kept is None:
        raise click.ClickException(f"no results are kept: python -m benchmarks.{name} --keep")
    return kept


def with_table(text: str, name: str, table: str) -> str:
    """The text of a page with the table of that name put in place of what stood there."""
    place = re.compile(rf"(<!-- table {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    written, found = place.subn(lambda match: f"{match[1]}{table}\n{match[2]}", text)
    if found != 1:
        raise click.ClickException(f"the page has {found} places for the table {name}, and must have one")
    return written


def tricks_table(path: Path) -> str:
    """A row for each trick, a column for each profile: how many times as fast a load with it is."""
    results = orjson.loads(path.read_bytes())
    profiles = list(dict.fromkeys(one["profile"] for one in results["worth"]))
    cells = {(one["trick"], one["profile"]): _times(one) for one in results["worth"]}
    rows = [["trick", *(f"`{profile}`" for profile in profiles)]]
    for trick in dict.fromkeys(trick for trick, _ in cells):
        rows.append([trick, *(cells.get((trick, profile), "-") for profile in profiles)])
    return _table(rows, results)


def peers_table(path: Path) -> str:
    """A row for each ratio that a race is about."""
    results = orjson.loads(path.read_bytes())
    rates = {(one["workload"], one["contestant"]): _rate(one) for one in results["figures"]}
    rows = [["race", "this", "beside that", "ratio", "aim"]]
    for one in (target for target in results["targets"] if target["reached"] is not None):
        sides = [f"{name}: {rates[one['race'], name]}" for name in (one["ours"], one["other"])]
        aim = "-" if one["at_least"] is None else f"{one['at_least']:g}"
        rows.append([f"`{one['race']}`", *sides, f"{one['reached']:.3g}", aim])
    return _table(rows, results)


TABLES: dict[str, Callable[[Path], str]] = {"tricks": tricks_table, "peers": peers_table}


def _table(rows: list[list[str]], results: Mapping[str, Any]) -> str:
    head, *body = [f"| {' | '.join(row)} |" for row in rows]
    said = f"{results['events']:,} events a load, {results['rounds']} rounds, {results['when'][:10]}"
    busy = results["surroundings"]["load"]
    said += "" if busy is None else f"; {busy:g} processes wanted to run on {results['surroundings']['cores']} cores"
    return "\n".join([head, f"|{' --- |' * len(rows[0])}", *body, "", f"({said}.)"])


def _rate(one: Mapping[str, Any]) -> str:
    """Three digits, and what of."""
    return f"{float(format(one['median'], '.3g')):,.6g} {one['unit']}/s"


def _times(one: dict[str, float]) -> str:
    return f"{one['median']:.2f} ({one['low']:.2f}-{one['high']:.2f})"


if __name__ == "__main__":
    main()
