"""`trace`: where an event came from and what it led to, as a tree."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import Options, limit_option, open_kernel, options_of
from eventlite.cli.events import event_json, short_time
from eventlite.cli.output import note, print_json, safe, several, stdout
from eventlite.cli.reading import known_event
from eventlite.event import Event

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from eventlite.kernel import Kernel


@dataclass
class Trace:
    """The tree of an event: parents before children; `complete` unless events were left out."""

    event: Event
    lineage: list[Event]
    #: Every event of the tree with its depth, 0 for the root.
    found: list[tuple[int, Event]]
    complete: bool


@click.command("trace")
@click.argument("id", type=click.IntRange(min=1))
@limit_option(500, "Events at most.")
@click.pass_context
def trace(ctx: click.Context, id: int, limit: int) -> None:
    """Draw the tree of causes: from the first cause of an event to everything that followed.

    Example: eventlite trace 42
    """
    with open_kernel(ctx) as kernel:
        tree = _trace(kernel, id, limit)
        if options_of(ctx).json:
            print_json(_as_json(tree))
        else:
            stdout().print(_draw(tree))
        _explain(kernel, tree, options_of(ctx))


def _trace(kernel: Kernel, id: int, limit: int) -> Trace:
    event = known_event(kernel, id)
    lineage = list(kernel.lineage(id))
    depths = {ancestor.id: depth for depth, ancestor in enumerate(lineage)}
    found = list(lineage)
    for parent in found:  # grows while it is walked: a walk by breadth
        for child in kernel.children(parent.id):
            if child.id in depths:
                continue
            if len(found) >= limit:
                return Trace(event, lineage, _by_depth(found, depths), complete=False)
            depths[child.id] = depths[parent.id] + 1
            found.append(child)
    return Trace(event, lineage, _by_depth(found, depths), complete=True)


def _by_depth(events: list[Event], depths: dict[int, int]) -> list[tuple[int, Event]]:
    return sorted(((depths[event.id], event) for event in events), key=lambda found: (found[0], found[1].id))


def _as_json(tree: Trace) -> dict[str, Any]:
    return {
        "event": tree.event.id,
        "root": tree.lineage[0].id,
        "lineage": [event.id for event in tree.lineage],
        "complete": tree.complete,
        "events": [{"depth": depth, **event_json(event)} for depth, event in tree.found],
    }


def _draw(tree: Trace) -> Tree:
    from rich.tree import Tree

    lineage = {event.id for event in tree.lineage}
    branches: dict[int | None, Tree] = {}
    for _, event in tree.found:
        label = _label(event, asked=event.id == tree.event.id, ancestor=event.id in lineage)
        parent = branches.get(event.causation_id)
        branches[event.id] = Tree(label, guide_style="dim") if parent is None else parent.add(label)
    return branches[tree.found[0][1].id]


def _label(event: Event, *, asked: bool, ancestor: bool) -> Text:
    from rich.text import Text

    parts: list[Any] = [(f"{event.id} ", "cyan"), (safe(event.cmd), "bold green" if ancestor else "bold")]
    if event.user:
        parts.append((f"  {safe(event.user)}", "yellow"))
    parts.append((f"  {short_time(event)}", "dim"))
    if asked:
        parts.append(("  ← this one", "bold green"))
    return Text.assemble(*parts)


def _explain(kernel: Kernel, tree: Trace, options: Options) -> None:
    """Say what the picture does not show."""
    if not tree.complete:
        note(f"The tree goes on: these are its first {len(tree.found):,} events; --limit shows more.")
    if tree.lineage[0].causation_id is not None:
        note(f"Event {tree.lineage[0].causation_id}, the cause of {tree.lineage[0].id}, is not in the store.")
    if len(tree.found) == 1 and tree.complete:
        _point_to_correlation(kernel, tree.event, options)


def _point_to_correlation(kernel: Kernel, event: Event, options: Options) -> None:
    from eventlite.query import Query

    others = kernel.count(Query(correlation_id=event.correlation_id)) - 1
    if others:
        note(f"It has no recorded cause or effect, but shares its correlation with {several(others, 'other event')}:")
        note(f"  eventlite log --correlation {shlex.quote(event.correlation_id)}{options.typed}")
