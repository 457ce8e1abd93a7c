"""`python -m benchmarks.tables`: the tables of the performance guide, from the results that are kept."""

from __future__ import annotations

import re
from pathlib import Path

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
    kept = latest("tricks")
    if kept is None:
        raise click.ClickException("no results are kept: python -m benchmarks.tricks --keep")
    text = guide.read_text(encoding="utf-8")
    written = with_table(text, "tricks", tricks_table(kept))
    if check and written != text:
        raise click.ClickException(f"{guide} does not have the table of {kept.name}: python -m benchmarks.tables")
    if not check:
        guide.write_text(written, encoding="utf-8")


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
    rows = [["trick", *(f"`{profile}`" for profile in profiles)], ["---"] * (1 + len(profiles))]
    for trick in dict.fromkeys(trick for trick, _ in cells):
        rows.append([trick, *(cells.get((trick, profile), "-") for profile in profiles)])
    said = f"{results['events']:,} events a load, {results['rounds']} rounds, {results['when'][:10]}"
    busy = results["surroundings"]["load"]
    said += "" if busy is None else f"; {busy:g} processes wanted to run on {results['surroundings']['cores']} cores"
    return "\n".join([*(f"| {' | '.join(row)} |" for row in rows), "", f"({said}.)"])


def _times(one: dict[str, float]) -> str:
    return f"{one['median']:.2f} ({one['low']:.2f}-{one['high']:.2f})"


if __name__ == "__main__":
    main()
