"""`import` and `export`: events out of files and into files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.app import app_option, open_app
from eventlite.cli.context import open_kernel, options_of, store_path
from eventlite.cli.errors import NotFoundError
from eventlite.cli.events import iso
from eventlite.cli.filters import query_options
from eventlite.cli.output import note, print_line, progress, several, to_json
from eventlite.errors import CorruptionError, EventLiteError
from eventlite.event import to_iso

if TYPE_CHECKING:
    from eventlite.contracts import BulkReport
    from eventlite.kernel import Kernel
    from eventlite.query import Query

_STANDARD = Path("-")
_FILE = click.Path(path_type=Path, allow_dash=True)


def field_column(text: str) -> tuple[str, str]:
    """The field and the column of FIELD=COLUMN; a column may have any name, one with an equals sign too."""
    field, sign, column = text.partition("=")
    if not sign or not field or not column:
        raise click.BadParameter(f"{text!r} is not FIELD=COLUMN, such as cmd=type")
    return field, column


@click.command("import")
@click.argument("path", type=_FILE, metavar="FILE")
@click.option("--map", "mapping", type=field_column, multiple=True, metavar="FIELD=COLUMN", help="A field's column.")
@click.option("--format", metavar="NAME", help="What the file is, if its name does not tell.")
@click.option("--append", is_flag=True, help="Into a store that has events: behind them, under new ids.")
@click.option("--on-conflict", type=click.Choice(["fail", "skip"]), default="fail", help="When a key is known.")
@click.option("--strict", is_flag=True, help="Refuse an event whose cause is not there.")
@click.option("--atomic", is_flag=True, help="All or nothing.")
@click.option("--skip-errors", "rejects", type=_FILE, metavar="FILE", help="Write records that fail there, and go on.")
@click.option("--restart", is_flag=True, help="Forget an unfinished import of the same file.")
@click.option("--batch-size", type=click.IntRange(min=1), metavar="N", help="Events per transaction.")
@click.pass_context
def import_(ctx: click.Context, /, path: Path, mapping: tuple[tuple[str, str], ...], **options: Any) -> None:
    """Read events from FILE, `-` for standard input. Run again after an interruption, it goes on where it was.

    JSONL and CSV have a column or key for each field of an event. With --map every column that is not mapped goes into
    the event's data. Files may be compressed: .gz, .zst.

    Example: eventlite import orders.csv --map cmd=type --map datetime=at
    """
    if path != _STANDARD and not path.exists():
        raise NotFoundError(f"there is no file {path}")
    options["mapping"] = _unique(mapping)
    done = 0
    with _filled_kernel(ctx) as kernel, progress(f"Importing {path.name}") as show:
        started = time.perf_counter()

        def tell(records: int, position: int, size: int) -> None:
            nonlocal done
            done = records
            show(position, size or None)

        try:
            report = kernel.import_file(path, progress=tell, **options)
        except KeyboardInterrupt:
            note(_interruption(0 if options["atomic"] else done, again=path != _STANDARD))
            raise
        seconds = time.perf_counter() - started
    _tell(ctx, "imported", report, seconds)


@click.command("export")
@click.argument("path", type=_FILE, metavar="FILE")
@click.option("--format", metavar="NAME", help="What to write, if the name of the file does not tell.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--salvage", is_flag=True, help="Of a damaged store: leave out what cannot be read.")
@click.option("--upcast", is_flag=True, help="Write old events as the upcasters of --app lift them.")
@app_option
@query_options
@click.pass_context
def export(ctx: click.Context, /, path: Path, query: Query, salvage: bool, app: str | None, **options: Any) -> None:
    """Write events to FILE, `-` for standard output. It appears under its name when it is complete.

    The digest is equal for equal events; that of JSONL is also what sha256sum says of the uncompressed file.

    Example: eventlite export orders.jsonl.gz --cmd orderPlaced --since 2026-01-01
    """
    if salvage and options["upcast"]:
        raise click.UsageError("--salvage writes what is stored: import that first, then export it with --upcast")
    with _readable_kernel(ctx, salvage, app) as kernel, progress(f"Exporting {path.name}") as show:
        started = time.perf_counter()
        if options["upcast"] and not kernel.upcasters:
            raise click.UsageError("--upcast finds no upcasters: name the function that registers them with --app")
        report = kernel.export_file(path, query, progress=show, salvage=salvage, **options)
        seconds = time.perf_counter() - started
    _tell(ctx, "exported", report, seconds, err=path == _STANDARD)


@contextmanager
def _filled_kernel(ctx: click.Context) -> Iterator[Kernel]:
    """A kernel over the store; the file of a new one goes again when the block fails and nothing is in it."""
    path = store_path(options_of(ctx))
    made = path if path is not None and not path.exists() else None
    vain = False
    try:
        with open_kernel(ctx, create=True) as kernel:
            try:
                yield kernel
            except BaseException:
                with suppress(EventLiteError):
                    vain = kernel.head() == 0
                raise
    except BaseException:
        if vain and made is not None and not made.with_name(f"{made.name}-wal").exists():  # nobody else has it open
            made.unlink(missing_ok=True)
        raise


@contextmanager
def _readable_kernel(ctx: click.Context, salvage: bool, app: str | None) -> Iterator[Kernel]:
    """A kernel over the store; one that is too damaged to be opened is opened by the storage's own means to salvage."""
    from eventlite.kernel import Kernel

    options = options_of(ctx)
    with ExitStack() as stack:
        try:
            kernel = stack.enter_context(open_app(ctx, app))
        except CorruptionError:
            if not salvage:
                raise
            storage = options.overrides.get("storage", {}) | {"salvage": True}
            kernel = stack.enter_context(Kernel.from_profile(options.profile, create=False, storage=storage))
        yield kernel


def _unique(mapping: tuple[tuple[str, str], ...]) -> dict[str, str]:
    fields = [field for field, _ in mapping]
    for field in fields:
        if fields.count(field) > 1:
            raise click.UsageError(f"--map names the field {field!r} twice")
    return dict(mapping)


def _interruption(records: int, *, again: bool) -> str:
    if not records:
        return "Interrupted; nothing was imported."
    how = "Run the same command again to go on from there." if again else "Import the rest with --append."
    return f"Interrupted; {several(records, 'record')} imported so far. {how}"


def _tell(ctx: click.Context, what: str, report: BulkReport, seconds: float, *, err: bool = False) -> None:
    """Say what was done: on stdout, unless events are there."""
    for text in report.notes:
        note(text)
    if options_of(ctx).json:
        click.echo(to_json(_as_json(report, seconds), indent=True), err=err)
        return
    for line in _lines(what, report, seconds):
        note(line) if err else print_line(line)


def _as_json(report: BulkReport, seconds: float) -> dict[str, Any]:
    times = {name: iso(getattr(report, name)) for name in ("first_time", "last_time")}
    return {**asdict(report), **times, "seconds": round(seconds, 3)}


def _lines(what: str, report: BulkReport, seconds: float) -> list[str]:
    rate = f"{report.count / seconds:,.0f} a second" if seconds else "at once"
    lines = [f"{several(report.count, 'event')} {what} in {seconds:.2f} s, {rate}"]
    if report.first_time is not None and report.last_time is not None:
        lines.append(f"ids     {report.first_id} to {report.last_id}")
        lines.append(f"times   {to_iso(report.first_time)} to {to_iso(report.last_time)}")
    counts = {
        "resumed": "done by an earlier, interrupted import",
        "skipped": "left out, their keys are known",
        "rejected": "rejected",
        "dangling": "with a cause that is not there",
    }
    lines += [f"{getattr(report, name):,} {words}" for name, words in counts.items() if getattr(report, name)]
    lines.append(f"digest  {report.digest}" + ("  of the file" if report.stored_digest else ""))
    if report.stored_digest:
        lines.append(f"digest  {report.stored_digest}  as stored, under new ids")
    return lines
