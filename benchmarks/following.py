"""`python -m benchmarks.following`: how soon another process has an event, what waiting costs, how much it takes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import click

from benchmarks.handling import rates
from benchmarks.keeping import write
from benchmarks.options import shared, targets, workplace
from eventlite import Kernel
from eventlite.bench.results import now
from eventlite.bench.surroundings import Surroundings, look_around

#: The longest median delay, in milliseconds, the largest share of a core, in percent, and the longest time without a
#: follower after a kill, in seconds.
DELAY_AT_MOST = 10
SHARE_AT_MOST = 3
TAKEOVER_AT_MOST = 2

#: Says when it had each event, and how much time of the processor it has used by then, in seconds. The clock is one
#: that all processes of a machine share.
_FOLLOWER = """
import sys, time
from eventlite import Kernel, Query
profile, path = sys.argv[1:]
with Kernel.from_profile(profile, storage={"path": path}) as kernel:
    print("ready", flush=True)
    for event in kernel.subscribe(Query(), name="follower"):
        print(time.monotonic(), time.process_time(), flush=True)
"""


@dataclass(frozen=True)
class FollowingResults:
    """Milliseconds from the call of `append` to the event in the other process; percent of a core while it waits.

    Seconds from a kill to the next event in the process that stood by; events handled a second, by the way.
    """

    when: str
    surroundings: Surroundings
    profile: str
    events: int
    median_delay: float
    delay_95: float
    idle_seconds: float
    idle_share: float
    takeovers: list[float]
    rates: dict[str, float]


@click.command("following")
@click.option("--profile", default="balanced", show_default=True)
@click.option("--events", type=click.IntRange(min=2), default=300, show_default=True, help="One by one, 20 ms apart.")
@click.option("--idle", type=click.FloatRange(min=0.1), default=20.0, show_default=True, help="Seconds without events.")
@shared
def main(profile: str, events: int, idle: float, quick: bool, json: Path | None, keep: bool, directory: Path) -> None:
    """Append to a follower in another process, leave it waiting, kill it, and see how many events a second it takes."""
    with workplace(directory) as place:
        results = measure(profile, place, *((5, 0.3, 1, 100) if quick else (events, idle, 5, 50_000)))
    delay, share, longest = results.median_delay, results.idle_share, max(results.takeovers)
    click.echo(f"delay, median   {delay:8.2f} ms   below {DELAY_AT_MOST} ms: {_met(delay < DELAY_AT_MOST)}")
    click.echo(f"delay, 95 %     {results.delay_95:8.2f} ms")
    click.echo(f"idle            {share:8.2f} %    of a core, below {SHARE_AT_MOST} %: {_met(share < SHARE_AT_MOST)}")
    click.echo(f"takeover        {longest:8.2f} s    below {TAKEOVER_AT_MOST} s: {_met(longest < TAKEOVER_AT_MOST)}")
    for name, rate in results.rates.items():
        click.echo(f"{name:<12} {rate:11,.0f} /s   {rate / results.rates['stream']:.2f} x stream")
    for path in targets("following", json, keep):
        write(path, results)


def measure(profile: str, place: Path, events: int, idle: float, kills: int, handled: int) -> FollowingResults:
    """All figures; the first two are of one follower."""
    store = place / "store"
    with Kernel.from_profile(profile, storage={"path": str(store)}) as kernel:
        with _follower(profile, store) as follower:
            _delay(kernel, follower)  # the first one warms up
            delays = [_delay(kernel, follower) for _ in range(events)]
            share = _idle_share(kernel, follower, idle)
        takeovers = [_takeover(kernel, profile, store) for _ in range(kills)]
    return FollowingResults(
        now(),
        look_around(place),
        profile,
        events,
        median(delays),
        quantiles(delays, n=20)[-1],
        idle,
        share,
        takeovers,
        rates(profile, handled, 5, place),
    )


def _delay(kernel: Kernel, follower: subprocess.Popen[str]) -> float:
    time.sleep(0.02)
    called = time.monotonic()
    kernel.append("measured", {"n": 1}, user="bench")
    received, _ = _told(follower)
    return (received - called) * 1_000


def _idle_share(kernel: Kernel, follower: subprocess.Popen[str], seconds: float) -> float:
    kernel.append("measured")
    began, used = _told(follower)
    time.sleep(seconds)
    kernel.append("measured")
    ended, used_then = _told(follower)
    return 100 * (used_then - used) / (ended - began)


def _takeover(kernel: Kernel, profile: str, store: Path) -> float:
    """Kill the one that follows while another stands by."""
    with _follower(profile, store) as first:
        kernel.append("measured")
        _told(first)
        with _follower(profile, store) as second:
            time.sleep(0.5)
            killed = time.monotonic()
            first.send_signal(signal.SIGKILL)
            kernel.append("measured")
            _told(second)  # the last event of the first may come again
            return time.monotonic() - killed


def _told(follower: subprocess.Popen[str]) -> tuple[float, float]:
    assert follower.stdout is not None
    received, used = follower.stdout.readline().split()
    return float(received), float(used)


@contextmanager
def _follower(profile: str, store: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", _FOLLOWER, profile, str(store)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        try:
            assert follower.stdout is not None
            follower.stdout.readline()
            yield follower
        finally:
            follower.kill()


def _met(met: bool) -> str:
    return "met" if met else "NOT MET"


if __name__ == "__main__":
    main()
