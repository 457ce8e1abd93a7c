"""`eventlite indexes`: which switchable indexes a store has, and making them those of the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import open_kernel, options_of
from eventlite.cli.output import note, print_json, print_line, safe, stderr, stdout, table
from eventlite.cli.verbs import Verbs

if TYPE_CHECKING:
    from eventlite.contracts import Index, Indexing
    from eventlite.kernel import Kernel


@click.group(cls=Verbs)
def indexes() -> None:
    """See and change the indexes of a store.

    Example: eventlite indexes list --db app.db
    """


@indexes.command("list")
@click.pass_context
def list_(ctx: click.Context) -> None:
    """Show every index: whether the store has it, whether the profile asks for it.

    Example: eventlite indexes list --db app.db
    """
    with open_kernel(ctx) as kernel:
        found = _all(kernel)
        difference = kernel.indexes.difference()
    if options_of(ctx).json:
        print_json(found)
    else:
        _show(found)
    _advise(*difference)


@indexes.command()
@click.argument("names", nargs=-1)
@click.pass_context
def apply(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Build and drop until the store has exactly NAMES, or the indexes of the profile.

    Example: eventlite indexes apply correlation_id cmd --db app.db
    """
    with open_kernel(ctx) as kernel:
        before = kernel.storage.indexes()
        active = _apply(kernel.indexes, list(names) or None)
        after = kernel.storage.indexes()
    built, dropped = _names(after, before), _names(before, after)
    if options_of(ctx).json:
        print_json({"built": built, "dropped": dropped, "active": active})
    else:
        _tell(built, dropped)


def _all(kernel: Kernel) -> list[dict[str, Any]]:
    """The built-in indexes, then those of the profile and the store."""
    from eventlite.contracts import INDEXES

    existing, declared = kernel.storage.indexes(), kernel.indexes.declared()
    return [
        {
            "name": index.name,
            "columns": list(index.columns),
            "path": ".".join(("data", *index.path)) if index.path else None,
            "exists": index in existing,
            "declared": index in declared,
        }
        for index in dict.fromkeys([*INDEXES.values(), *declared, *existing])
    ]


def _show(found: list[dict[str, Any]]) -> None:
    shown = table("index", "over", "exists", "declared")
    for index in found:
        over = index["path"] or ", ".join(index["columns"])
        shown.add_row(safe(index["name"]), safe(over), _yes(index["exists"]), _yes(index["declared"]))
    stdout().print(shown)


def _yes(value: bool) -> str:
    return "yes" if value else "-"


def _advise(missing: list[str], superfluous: list[str]) -> None:
    if missing or superfluous:
        build = f" builds {', '.join(missing)}" if missing else ""
        drop = f" drops {', '.join(superfluous)}" if superfluous else ""
        note(f"`eventlite indexes apply`{build}{',' if build and drop else ''}{drop}.")


def _apply(indexing: Indexing, names: list[str] | None) -> list[str]:
    """Apply, and say on a terminal what is being done."""
    with stderr().status("Comparing indexes") as status:
        return indexing.apply(
            names, progress=lambda what, done, total: status.update(safe(f"{what} ({done} of {total} done)"))
        )


def _names(these: list[Index], but_not: list[Index]) -> list[str]:
    return [index.name for index in these if index not in but_not]


def _tell(built: list[str], dropped: list[str]) -> None:
    for name in built:
        print_line(safe(f"built {name}"))
    for name in dropped:
        print_line(safe(f"dropped {name}"))
    if not built and not dropped:
        note("Nothing to do: the indexes are as they should be.")
