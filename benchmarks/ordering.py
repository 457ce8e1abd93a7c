"""`python -m benchmarks.ordering`: what it costs on PostgreSQL to give positions in commit order.

Eight connections append one event each, by turns, into the same table on a server started for it. `identity` gives no
order: it is the upper bound, and a follower of it skips events.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import click
import psycopg
from eventlite_postgres.testing import Server, running_server

_TABLE = """
    DROP TABLE IF EXISTS event, head;
    CREATE TABLE event (id bigint PRIMARY KEY, cmd text NOT NULL, data text NOT NULL);
    CREATE TABLE head (id bigint NOT NULL);
    INSERT INTO head VALUES (0);
    CREATE SEQUENCE IF NOT EXISTS numbers;
"""
_NEXT = "INSERT INTO event SELECT coalesce(max(id), 0) + 1, 'placed', '{\"order\": \"A1\"}' FROM event"

#: The statements of one append, between BEGIN and COMMIT.
WAYS: dict[str, tuple[str, ...]] = {
    "identity, no order": ("INSERT INTO event VALUES (nextval('numbers'), 'placed', '{\"order\": \"A1\"}')",),
    "advisory lock": ("SELECT pg_advisory_xact_lock(1)", _NEXT),
    "row lock": (
        "UPDATE head SET id = id + 1",
        "INSERT INTO event SELECT id, 'placed', '{\"order\": \"A1\"}' FROM head",
    ),
    "table lock": ("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE", _NEXT),
}


@click.command("ordering")
@click.option("--connections", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--seconds", type=float, default=2.0, show_default=True, help="Of each round.")
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
def ordering(connections: int, seconds: float, rounds: int) -> None:
    """Race the ways to order appends."""
    with running_server() as server:
        rates: dict[str, list[float]] = {way: [] for way in WAYS}
        for _ in range(rounds):
            for way, statements in WAYS.items():
                _administer(server, _TABLE)
                rates[way].append(_rate(server, statements, connections, seconds))
    for way, found in rates.items():
        click.echo(f"{way:20}{statistics.median(found):10,.0f} appends/s   ({min(found):,.0f}-{max(found):,.0f})")


def _rate(server: Server, statements: tuple[str, ...], connections: int, seconds: float) -> float:
    done = [0] * connections
    end = time.monotonic() + seconds

    def append(number: int) -> None:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            while time.monotonic() < end:
                _transaction(connection.execute, statements)
                done[number] += 1

    threads = [threading.Thread(target=append, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


def _transaction(execute: Callable[..., Any], statements: tuple[str, ...]) -> None:
    for statement in ("BEGIN", *statements, "COMMIT"):
        execute(statement, prepare=True)


def _administer(server: Server, script: str) -> None:
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(script.encode())


if __name__ == "__main__":
    ordering()
