"""`eventlite jobs work` and `run`: user code at work on the jobs of a store, until a signal or until nothing is due."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from socket import socket, socketpair
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from eventlite.cli.app import app_option, needed, open_app
from eventlite.cli.context import options_of
from eventlite.cli.errors import INTERRUPTED
from eventlite.cli.output import note, print_json, print_line, several
from eventlite.contracts.jobs import undeclared

if TYPE_CHECKING:
    from eventlite.contracts import JobDispatcher

_STOPPING = (signal.SIGTERM, signal.SIGINT)

_SECONDS = click.FloatRange(min=0)

#: Without its workers every job would fail.
_WHY = "it registers the workers"


def _names(_ctx: click.Context, _param: click.Parameter, value: str | None) -> list[str] | None:
    """Names with commas between them, without the spaces around them."""
    if value is None:
        return None
    names = [name.strip() for name in value.split(",")]
    if not all(names):
        raise click.BadParameter(f"{value!r} has an empty name in it")
    return names


@click.command()
@app_option
@click.option("--queues", callback=_names, metavar="A,B", help="Only jobs of these queues; else of all.")
@click.option("--concurrency", type=click.IntRange(min=1), metavar="N", help="Jobs at once; else the profile's number.")
@click.option("--grace", type=_SECONDS, metavar="SECONDS", help="Longest wait for what runs when stopped; else none.")
@click.pass_context
def work(
    ctx: click.Context, app: str | None, queues: list[str] | None, concurrency: int | None, grace: float | None
) -> int:
    """Run jobs, triggers and recurring jobs as they come, until stopped.

    SIGTERM or Ctrl-C: no more jobs are begun, those that run are finished. Once more: they are put back, and run again
    later. Several of these may work on one store. Exit codes: 0 after SIGTERM, 130 after Ctrl-C or a second signal.

    Example: eventlite jobs work --app shop:set_up --queues mail,default --concurrency 8
    """
    with open_app(ctx, needed(ctx, app, _WHY), create=True) as kernel:
        if not kernel.jobs.capabilities.work_loop:
            undeclared("work_loop", "work loop")
        with _signals() as signals:
            note(f"Working on {', '.join(queues) if queues else 'all queues'}. SIGTERM drains; once more stops now.")
            attempts, received = _work(kernel.jobs, signals, queues=queues, concurrency=concurrency, grace=grace)
    _tell(ctx, attempts)
    return 0 if received in ([], [signal.SIGTERM]) else INTERRUPTED


@click.command()
@app_option
@click.pass_context
def run(ctx: click.Context, app: str | None) -> None:
    """Run triggers and due jobs until there are none, then end; delayed jobs and retries to come are left.

    Example: eventlite jobs run --app shop:set_up
    """
    with open_app(ctx, needed(ctx, app, _WHY)) as kernel:
        attempts = kernel.jobs.run_until_idle()
    _tell(ctx, attempts)


def _work(dispatcher: JobDispatcher, signals: Signals, **options: Any) -> tuple[int, list[int]]:
    """Work until the first signal, and have running jobs put back at the next: how many attempts, and which signals."""
    stop, received = Flag(), list[int]()
    with ThreadPoolExecutor(1, thread_name_prefix="eventlite-work") as thread:
        working = thread.submit(dispatcher.work, stop, **options)
        working.add_done_callback(lambda _: signals.outbox.send(b"\0"))
        while number := signals.inbox.recv(1)[0]:
            if number not in _STOPPING:
                continue
            received.append(number)
            stop.set()
            if len(received) > 1:
                _stop_now(dispatcher)
        return working.result(), received


def _stop_now(dispatcher: JobDispatcher) -> None:
    if dispatcher.capabilities.releases:
        dispatcher.stop_now()
    else:
        note("This dispatcher cannot put running jobs back: they are waited for. kill -9 ends them.")


class Signals(NamedTuple):
    """Two ends of a wire: a byte for each signal that comes, its number."""

    inbox: socket
    outbox: socket


@contextmanager
def _signals() -> Iterator[Signals]:
    """Have SIGTERM and SIGINT sent over a wire.

    A handler in Python would not do: it waits for the main thread, which sleeps on if another thread got the signal.
    """
    inbox, outbox = socketpair()
    with inbox, outbox:
        outbox.setblocking(False)
        handlers = {number: signal.signal(number, lambda _number, _frame: None) for number in _STOPPING}
        wire = signal.set_wakeup_fd(outbox.fileno())
        try:
            yield Signals(inbox, outbox)
        finally:
            signal.set_wakeup_fd(wire)
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _tell(ctx: click.Context, attempts: int) -> None:
    if options_of(ctx).json:
        print_json({"attempts": attempts})
    else:
        print_line(several(attempts, "attempt"))
