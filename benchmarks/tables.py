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
def main(guide: Path) -> None:
    """Write the table of the latest results into the guide."""
    text = guide.read_text(encoding="utf-8")
    kept = latest("tricks")
    if kept is None:
        raise click.ClickException("no results are kept: python -m benchmarks.tricks --keep")
    guide.write_text(with_table(text, "tricks", tricks_table(kept)), encoding="utf-8")


def with_table(text: str, name: str, table: str) -> str:
    """The text of a page with the table of that name put in place of what stood there."""
    written, found = _place(name).subn(lambda match: f"{match[1]}\n{table}\n{match[3]}", text)
    if found != 1:
        raise click.ClickException(f"the page has {found} places for the table {name}, and must have one")
    return written


def table_of(text: str, name: str) -> str:
    """The table of that name in the text of a page."""
    found = _place(name).search(text)
    return "" if found is None else found[2].strip()


def tricks_table(path: Path) -> str:
    """A row for each trick, a column for each profile: how many times as fast a load with it is."""
    results = orjson.loads(path.read_bytes())
    profiles = list(dict.fromkeys(one["profile"] for one in results["worth"]))
    cells = {(one["trick"], one["profile"]): _times(one) for one in results["worth"]}
    rows = [["trick", *(f"`{profile}`" for profile in profiles)], ["---"] * (1 + len(profiles))]
    for trick in dict.fromkeys(trick for trick, _ in cells):
        rows.append([trick, *(cells.get((trick, profile), "-") for profile in profiles)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _times(one: dict[str, float]) -> str:
    return f"{one['median']:.2f} ({one['low']:.2f}-{one['high']:.2f})"


def _place(name: str) -> re.Pattern[str]:
    return re.compile(rf"(<!-- table {name}[^>]*-->)\n(.*?)(<!-- end -->)", re.DOTALL)


if __name__ == "__main__":
    main()
