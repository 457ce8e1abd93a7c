"""`demo`: the main job, done once before your eyes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from eventlite.cli.context import Options, open_kernel, options_of, store_path
from eventlite.cli.demo_events import order_events
from eventlite.cli.events import event_lines
from eventlite.cli.output import note, print_json, print_line, safe, size
from eventlite.errors import EventLiteError
from eventlite.query import Query

if TYPE_CHECKING:
    from eventlite.event import Event
    from eventlite.kernel import Kernel

_ORDERS = 1000
_READS = 500
_DEFAULT = Path("eventlite-demo.db")
_INDENT = 10


@dataclass
class Story:
    """What the demo did: told in lines as it goes, or as facts at the end."""

    silent: bool
    facts: dict[str, Any] = field(default_factory=dict)

    def tell(self, title: str, *lines: str, **facts: Any) -> None:
        """One step: its title before the first line, and what `--json` says about it."""
        self.facts[title] = facts
        self.say(click.style(title.ljust(_INDENT), fg="cyan") + lines[0])
        for line in lines[1:]:
            self.say(" " * _INDENT + line)

    def say(self, line: str = "") -> None:
        """One line."""
        if not self.silent:
            print_line(line)


@click.command("demo")
@click.pass_context
def demo(ctx: click.Context) -> None:
    """Fill a new store with a web shop's orders and put it to work; it takes a few seconds.

    Example: eventlite demo --profile query-optimized
    """
    options = options_of(ctx)
    target = _place(options)
    story = Story(silent=options.json)
    with open_kernel(ctx, create=True) as kernel:
        story.say(click.style(f"EventLite, profile {kernel.profile.name}", bold=True) + "\n")
        store = None if options.db is None else str(Path(options.db).absolute())
        story.facts.update(profile=kernel.profile.name, store=store)
        order = _run(kernel, story, target)
        durability = kernel.storage.capabilities.durability
    if options.json:
        print_json(story.facts)
    elif store is not None:
        story.say(f"\nThe store is {click.style(safe(store), bold=True)}\n{durability}\n")
        _suggest(options, order)


def _run(kernel: Kernel, story: Story, target: Path) -> Event:
    """All steps; returns the order that the story is about."""
    _ingest(kernel, story)
    order = _ask(kernel, story)
    _query(kernel, story)
    _page(kernel, story)
    _cache(kernel, story, order)
    _trigger(kernel, story, order)
    _export(kernel, story, target)
    return order


def _ingest(kernel: Kernel, story: Story) -> None:
    events = list(order_events(_ORDERS))
    seconds, report = _timed(lambda: kernel.append_bulk(events))
    rate = f"{report.count / seconds:,.0f} a second"
    story.tell(
        "ingest",
        f"{report.count:,} events of {_ORDERS:,} orders in {seconds:.2f} s, {rate}",
        events=report.count,
        seconds=seconds,
    )


def _ask(kernel: Kernel, story: Story) -> Event:
    """One order from beginning to end."""
    failed = next(kernel.read(Query(cmd="paymentFailed"), limit=1))
    events = kernel.by_correlation(failed.correlation_id)
    story.tell(
        "ask",
        f"what happened to order {failed.data['order']}?",
        *event_lines(events, indent=_INDENT),
        correlation_id=failed.correlation_id,
        events=len(events),
    )
    return events[0]


def _query(kernel: Kernel, story: Story) -> None:
    failed = kernel.count(Query(cmd="paymentFailed"))
    alice = kernel.count(Query(tags="customer:alice"))
    delft = kernel.count(Query(cmd="orderPlaced", data={"ship_to.city": "Delft"}))
    story.tell(
        "query",
        f"{failed:,} payments failed, {alice:,} events are about alice, {delft:,} orders go to Delft",
        failed=failed,
        alice=alice,
        delft=delft,
    )


def _page(kernel: Kernel, story: Story) -> None:
    first = kernel.page(Query(cmd="orderPlaced"), limit=100)
    second = kernel.page(Query(cmd="orderPlaced"), limit=100, cursor=first.next_cursor)
    orders = [event.data["order"] for event in second.events]
    story.tell(
        "page",
        f"{second.total_count:,} orders in pages of 100: the second goes from {orders[0]} to {orders[-1]}",
        total_count=second.total_count,
        first=orders[0],
        last=orders[-1],
    )


def _cache(kernel: Kernel, story: Story, order: Event) -> None:
    kernel.cache.clear()
    seconds, _ = _timed(lambda: [kernel.by_correlation(order.correlation_id) for _ in range(_READS)])
    stats = kernel.cache.stats()
    served = f"{stats.hits:,} of them from the cache" if stats.max_size else "this profile caches nothing"
    story.tell(
        "cache",
        f"{_READS:,} reads of that order, {_READS / seconds:,.0f} a second, {served}",
        reads=_READS,
        seconds=seconds,
        hits=stats.hits,
        misses=stats.misses,
    )


def _trigger(kernel: Kernel, story: Story, order: Event) -> None:
    """An event that starts a job, and a job that appends an event."""

    @kernel.jobs.worker("remind", retries=3)
    def remind(job: Any) -> None:
        kernel.append("reminderSent", {"order": job.data["order"]}, user="shop", cause=job.data["because"])

    kernel.jobs.on_event("paymentFailed", "remind", lambda event: {"order": event.data["order"], "because": event.id})
    failed = kernel.append("paymentFailed", {"order": order.data["order"]}, user="bank", tags=order.tags, cause=order)
    attempts = kernel.jobs.run_until_idle()
    caused = kernel.children(failed.id)
    story.tell(
        "job",
        f"event {failed.id:,}, {failed.cmd}, started a job that appended event {caused[0].id:,}, {caused[0].cmd}",
        attempts=attempts,
        trigger=failed.id,
        appended=caused[0].id,
    )


def _export(kernel: Kernel, story: Story, target: Path) -> None:
    report = kernel.export_file(target)
    length = target.stat().st_size
    story.tell(
        "export",
        f"{report.count:,} events to {safe(str(target))}, {size(length)}, digest {report.digest[:12]}…",
        events=report.count,
        path=str(target.absolute()),
        digest=report.digest,
    )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """How many seconds the work took, and what it returned."""
    start = time.perf_counter()
    result = work()
    return max(time.perf_counter() - start, 1e-9), result


def _place(options: Options) -> Path:
    """Choose the store's path, if it has one, and the export's; never those of something that is there."""
    if options.db is None:
        store = _fresh(_DEFAULT)
        options.db = None if store_path(options) is None else str(store)
    else:
        store = Path(options.db)
    for path in (store, _exported(store)):
        if path.exists():
            raise EventLiteError(f"{path} exists already", hint="The demo makes a new store: name another with --db.")
    return _exported(store)


def _exported(store: Path) -> Path:
    return store.with_suffix(".jsonl")


def _fresh(path: Path) -> Path:
    """The path, or one like it, such that neither it nor its export is there yet."""
    names = (path if number == 1 else path.with_stem(f"{path.stem}-{number}") for number in count(1))
    fresh = next(name for name in names if not name.exists() and not _exported(name).exists())
    if fresh != path:
        note(f"{path} is from an earlier time; this one is {fresh}.")
    return fresh


def _suggest(options: Options, order: Event) -> None:
    """What to try next, ready to be copied."""
    print_line(click.style("Try next", bold=True))
    for command in ("log --cmd paymentFailed --limit 5", f"trace {order.id}", "tail -f", "stats", "verify"):
        print_line(f"  eventlite {command}{options.typed}")
