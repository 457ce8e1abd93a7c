"""`doctor`: is everything around the store as it should be?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from eventlite.cli.context import Options, open_kernel, options_of, store_path
from eventlite.cli.machine_checks import check_place, check_python, check_sqlite
from eventlite.cli.output import print_json, print_line, safe
from eventlite.errors import EventLiteError, ProfileError, StoreNotFoundError
from eventlite.hookspecs import Finding

if TYPE_CHECKING:
    from eventlite.kernel import Kernel

_COLOURS = {"ok": "green", "warning": "yellow", "error": "red"}


@click.command("doctor")
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Check versions, disk, rights, profile, indexes and plugins; exit code 1 if something must be mended.

    Example: eventlite doctor --db app.db --profile balanced
    """
    options = options_of(ctx)
    findings = [*check_python(), *_plugins(), *_place(options), *_store(ctx)]
    sound = all(finding.level != "error" for finding in findings)
    if options.json:
        print_json({"ok": sound, "findings": [finding._asdict() for finding in findings]})
    else:
        _show(findings)
    if not sound:
        ctx.exit(1)


def _show(findings: list[Finding]) -> None:
    width = max(len(finding.subject) for finding in findings)
    for level, subject, message in findings:
        mark = click.style(level.ljust(8), fg=_COLOURS.get(level))
        first, *rest = message.split("\n")
        print_line(f"{mark} {safe(subject).ljust(width)}  {safe(first)}")
        for line in rest:
            print_line(f"{' ' * (width + 11)}{safe(line.strip())}")


def _plugins() -> Iterator[Finding]:
    """Plugins that are installed and do not work; the ones the profile needs are checked when it is opened."""
    from eventlite.plugins import available

    installed = available()
    broken = [plugin for plugin in installed if plugin.problem]
    for plugin in broken:
        yield Finding("warning", "plugins", f"{plugin.concern}:{plugin.name}: {plugin.problem}")
    yield Finding("ok", "plugins", f"{len(installed) - len(broken)} of {len(installed)} are fit for use")


def _place(options: Options) -> Iterator[Finding]:
    try:
        path = store_path(options)
    except EventLiteError:
        return  # opening the store tells
    if path is not None:
        yield from check_place(path)


def _store(ctx: click.Context) -> Iterator[Finding]:
    """What only an open store can tell."""
    try:
        with open_kernel(ctx) as kernel:
            yield from _open_store(kernel)
    except StoreNotFoundError as error:
        if store_path(options_of(ctx)) is not None:
            yield from check_sqlite()
        yield Finding("warning", "store", f"{error.message}; the first append makes one")
    except ProfileError as error:
        yield Finding("error", "profile", str(error))
    except EventLiteError as error:
        yield Finding("error", "store", str(error))


def _open_store(kernel: Kernel) -> Iterator[Finding]:
    yield Finding("ok", "profile", kernel.profile.name)
    yield Finding("ok", "store", f"the last event is {kernel.head():,}. {kernel.storage.capabilities.durability}")
    if kernel.storage.capabilities.sql == "sqlite":
        yield from check_sqlite()
    if kernel.storage.capabilities.indexes:
        yield _indexes(kernel)
    yield from _checks_of_plugins(kernel)


def _indexes(kernel: Kernel) -> Finding:
    missing, surplus = kernel.indexes.difference()
    if not missing and not surplus:
        return Finding("ok", "indexes", "as the profile asks")
    lacks = f"it lacks {', '.join(missing)}" if missing else ""
    has = f"it has {', '.join(surplus)} besides" if surplus else ""
    told = " and ".join(part for part in (lacks, has) if part)
    return Finding("warning", "indexes", f"the store differs from the profile: {told}\neventlite indexes apply")


def _checks_of_plugins(kernel: Kernel) -> Iterator[Finding]:
    """What plugins check themselves; one that raises is named and does not stop the others."""
    from eventlite.plugins import listeners

    for name, check in listeners(kernel.plugins.manager, "eventlite_doctor"):
        try:
            yield from list(check(kernel=kernel))
        except Exception as error:
            yield Finding("error", name, f"its check failed: {type(error).__name__}: {error}")
