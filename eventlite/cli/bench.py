"""`bench`: how fast is it here, under which profile?"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import options_of
from eventlite.cli.errors import NotFoundError
from eventlite.cli.output import note, print_json, print_line, safe, stderr, stdout, table
from eventlite.cli.verbs import Verbs

if TYPE_CHECKING:
    from eventlite.bench.compare import Change
    from eventlite.bench.matrix import Tell
    from eventlite.bench.results import Results
    from eventlite.bench.stage import Scale

_STANDARD = Path("-")
_FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)
_DIRECTORY = click.Path(path_type=Path, exists=True, file_okay=False)
_COUNT = click.IntRange(min=1)
_COLOURS = {"faster": "green", "slower": "red", "same": "", "new": "yellow", "gone": "yellow"}


@click.group("bench", cls=Verbs, invoke_without_command=True)
@click.option("--profile", "profiles", multiple=True, metavar="NAME|PATH", help="A profile to measure; repeatable.")
@click.option(
    "--workload", "workloads", multiple=True, metavar="NAME", help="A workload to measure; repeatable.  [default: all]"
)
@click.option("--events", type=_COUNT, help="Events of a filled store and of a load.  [default: 100000]")
@click.option("--rounds", type=_COUNT, help="How often everything is measured.  [default: 5]")
@click.option("--quick", is_flag=True, help="Few events and rounds: a first impression.")
@click.option(
    "--json",
    "json",
    type=_FILE,
    is_flag=False,
    flag_value="-",
    metavar="[PATH]",
    help="Write JSON there, or on stdout.",
)
@click.option("--html", type=_FILE, metavar="PATH", help="Write a page with plots there.")
@click.option("--dir", "directory", type=_DIRECTORY, default=".", help="On which disk to measure.  [default: this one]")
@click.pass_context
def bench(
    ctx: click.Context,
    profiles: tuple[str, ...],
    workloads: tuple[str, ...],
    events: int | None,
    rounds: int | None,
    quick: bool,
    json: Path | None,
    html: Path | None,
    directory: Path,
) -> None:
    """Measure profiles on this machine's disk, in stores that are removed afterwards.

    Without --profile it compares high-volume, balanced and query-optimized; that takes some minutes. A rate is the
    median of the rounds, with half the distance of their quartiles.

    Example: eventlite bench --quick --workload append --html bench.html
    """
    if ctx.invoked_subcommand is not None:
        return
    options = options_of(ctx)
    if options.db is not None:
        raise click.UsageError("bench makes stores of its own; --dir says on which disk")
    _check_targets(json, html)
    named = profiles or ((options.profile,) if options.profile else ())
    results = _run(named, workloads, _scale(events, rounds, quick), directory)
    _write(results, json or (_STANDARD if options.json else None), html)


@bench.command("compare")
@click.argument("before", type=click.Path(path_type=Path), metavar="A.json")
@click.argument("after", type=click.Path(path_type=Path), metavar="B.json")
@click.pass_context
def compare(ctx: click.Context, before: Path, after: Path) -> None:
    """Show what changed from A to B: quartiles that do not overlap, and medians that differ by more than 5 %.

    Example: eventlite bench compare before.json after.json
    """
    from eventlite.bench.compare import compare as changes_of
    from eventlite.bench.compare import differences
    from eventlite.bench.results import load

    for path in (before, after):
        if not path.exists():
            raise NotFoundError(f"there is no file {path}")
    one, other = load(before), load(after)
    for text in differences(one, other):
        note(f"Mind that {text}.")
    changes = list(changes_of(one, other))
    if options_of(ctx).json:
        print_json([_as_json(change) for change in changes])
    else:
        _show_changes(changes)


def _check_targets(json: Path | None, html: Path | None) -> None:
    """Raise `EventLiteError`, before anything is measured, for a file that must not be replaced."""
    from eventlite.bench.targets import check_target

    if json is not None and json != _STANDARD:
        check_target(json, page=False)
    if html is not None:
        check_target(html, page=True)


def _scale(events: int | None, rounds: int | None, quick: bool) -> Scale:
    from eventlite.bench.stage import Scale

    usual = Scale(2_000, 2) if quick else Scale()
    return Scale(events or usual.events, rounds or usual.rounds)


def _run(profiles: tuple[str, ...], workloads: tuple[str, ...], scale: Scale, directory: Path) -> Results:
    from eventlite.bench.matrix import PROFILES, UnknownWorkloadError, run_matrix

    with tempfile.TemporaryDirectory(prefix="eventlite-bench-", dir=directory) as place, _told() as tell:
        try:
            return run_matrix(profiles or PROFILES, workloads, scale, Path(place), tell)
        except UnknownWorkloadError as error:
            raise click.UsageError(str(error)) from None


@contextmanager
def _told() -> Iterator[Tell]:
    """Progress on stderr: a bar on a terminal, else a line for each workload."""
    if not sys.stderr.isatty():
        yield lambda what, number, total: note(f"[{number + 1}/{total}] {what}")
        return
    from rich.progress import Progress

    with Progress(console=stderr(), transient=True) as bar:
        task = bar.add_task("")
        yield lambda what, number, total: bar.update(task, description=safe(what), completed=number, total=total)


def _write(results: Results, json: Path | None, html: Path | None) -> None:
    from eventlite.bench.results import encode, save

    if html is not None:
        _write_page(results, html)
    if json == _STANDARD:
        click.echo(encode(results), nl=False)
        return
    if json is not None:
        save(results, json)
    _show(results)


def _write_page(results: Results, path: Path) -> None:
    from eventlite.bench.html_page import page
    from eventlite.bench.workloads import BUILTIN

    text = page(results, {name: workload.summary for name, workload in BUILTIN.items()})
    path.write_text(text, encoding="utf-8")


def _show(results: Results) -> None:
    from eventlite.bench import table as texts

    for line in texts.about(results):
        note(line)
    if results.figures:
        _print_table(texts.headings(results), texts.rows(results))
    for name in texts.curve_names(results):
        _print_table(texts.curve_headings(results, name), texts.curve_rows(results, name))
    for left in results.left_out:
        note(f"Left out: {left.workload}, {left.contestant}: {left.reason}")


def _print_table(headings: list[str], rows: Iterable[list[str]]) -> None:
    first, *others = map(safe, headings)
    shown = table(first, *others, numbers=tuple(others))
    for row in rows:
        shown.add_row(*map(safe, row))
    print_line()
    stdout().print(shown)


def _show_changes(changes: list[Change]) -> None:
    from rich.text import Text

    from eventlite.bench.table import rate

    shown = table("workload", "contestant", "before", "after", "ratio", "", numbers=("before", "after", "ratio"))
    for change in changes:
        cells = ("-" if figure is None else rate(figure) for figure in (change.before, change.after))
        ratio = "-" if change.ratio is None else f"{change.ratio:.2f}"
        verdict = Text(change.verdict, style=_COLOURS[change.verdict])
        shown.add_row(safe(change.workload), safe(change.contestant), *cells, ratio, verdict)
    stdout().print(shown)


def _as_json(change: Change) -> dict[str, Any]:
    return {
        "workload": change.workload,
        "contestant": change.contestant,
        "unit": change.unit,
        "before": None if change.before is None else change.before.median,
        "after": None if change.after is None else change.after.median,
        "ratio": None if change.ratio is None else round(change.ratio, 4),
        "verdict": change.verdict,
    }
