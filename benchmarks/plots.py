"""`python -m benchmarks.plots`: the plots of the performance guide, from the results that are kept."""

from __future__ import annotations

from pathlib import Path

import click

from benchmarks.keeping import latest
from eventlite.bench.plots import curve_plots, throughput_plots
from eventlite.bench.results import load
from eventlite.bench.svg import standalone

#: Where the guide finds them.
PLOTS = Path(__file__).parents[1] / "docs" / "plots"

#: The results that have plots: what `eventlite bench`, the peers and the growth wrote.
KINDS = ("matrix", "peers", "growth")


@click.command("plots")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), default=PLOTS, show_default=True)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def main(output: Path, files: tuple[Path, ...]) -> None:
    """Draw every workload and curve of FILES, or of the latest results of each kind, as NAME-WORKLOAD.svg."""
    output.mkdir(parents=True, exist_ok=True)
    for path in files or filter(None, map(latest, KINDS)):
        for name, plot in draw(path).items():
            (output / f"{name}.svg").write_text(standalone(plot), encoding="utf-8")
            click.echo(output / f"{name}.svg")


def draw(path: Path) -> dict[str, str]:
    """The plots of a file of results, by names that begin as its own does behind the date."""
    results, kind = load(path), path.stem.rpartition("-")[2]
    plots = {**throughput_plots(results), **curve_plots(results)}
    return {f"{kind}-{name.removeprefix(f'{kind}-')}": plot for name, plot in plots.items()}


if __name__ == "__main__":
    main()
