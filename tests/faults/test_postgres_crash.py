"""Clients of a PostgreSQL server that are killed or come all at once, and a schema that changes under them."""

from __future__ import annotations

import json
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from eventlite_postgres import Settings, schema
from eventlite_postgres.storage import PostgresStorage

from eventlite import Kernel, NewEvent, Query
from eventlite.errors import StorageError

_Start = Callable[..., subprocess.Popen[str]]

_APPENDING = """
import json, sys
from eventlite import Kernel
with Kernel.from_profile("postgres", storage=json.loads(sys.argv[1])) as kernel:
    for n in range(int(sys.argv[2]), 10**9):
        print(n, kernel.append("counted", {"n": n}, tags=["t"]).id, flush=True)
"""


def test_a_killed_client_loses_nothing_that_was_acknowledged(
    start: _Start, postgres: dict[str, str], dice: random.Random, long: bool
) -> None:
    acknowledged: dict[int, int] = {}
    for _ in range(30 if long else 3):
        client = start(_APPENDING, json.dumps(postgres), max(acknowledged, default=-1) + 2)
        assert client.stdout is not None
        told = [client.stdout.readline()]
        time.sleep(dice.random() * 0.3)
        client.kill()
        told += client.stdout.readlines()
        acknowledged |= {int(n): int(id) for n, id in (line.split() for line in told if line.endswith("\n"))}
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        stored = {event.data["n"]: event.id for event in kernel.read(Query(tags="t"))}
        assert stored | acknowledged == stored
        assert len(stored) - len(acknowledged) <= (30 if long else 3)  # the last one of each client, at most
        assert sorted(stored.values()) == list(range(1, kernel.head() + 1))
        assert kernel.verify().problems == []


def test_one_key_from_many_at_once_is_one_event(postgres: dict[str, str]) -> None:
    kernels = [Kernel.from_profile("postgres", storage=postgres) for _ in range(3)]
    try:
        with ThreadPoolExecutor(12) as pool:
            for number in range(10):
                key = f"key-{number}"
                told = list(pool.map(lambda n, key=key: kernels[n % 3].append("a", {"n": 1}, key=key), range(12)))
                assert [event.id for event in told] == [number + 1] * 12
    finally:
        for kernel in kernels:
            kernel.close()


def test_a_stream_that_is_not_read_on_holds_no_transaction(postgres: dict[str, str]) -> None:
    dsn = psycopg.conninfo.make_conninfo(postgres["dsn"], application_name=postgres["schema"])
    with Kernel.from_profile("postgres", storage={**postgres, "dsn": dsn}) as kernel:
        kernel.append_bulk([NewEvent("a")] * 500)
        stream = kernel.stream(batch_size=100)
        next(stream)
        kernel.append("b")
        with psycopg.connect(postgres["dsn"]) as connection:
            states = connection.execute(
                "SELECT DISTINCT state FROM pg_stat_activity WHERE application_name = %s", (postgres["schema"],)
            )
            assert states.fetchall() == [("idle",)]
        assert sum(map(len, stream)) == 400


# --- a schema that changes

_NEXT = "ALTER TABLE {schema}.state ADD COLUMN note text; SELECT pg_sleep(0.05);"


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have a second version of the schema, made by the text that is given."""
    known = schema.script

    def make(text: str) -> None:
        monkeypatch.setattr(schema, "MIGRATIONS", ("001_events.sql", "next"))
        monkeypatch.setattr(schema, "SCHEMA_VERSION", 2)
        monkeypatch.setattr(
            schema, "script", lambda name, where: text.format(schema=where) if name == "next" else known(name, where)
        )

    yield make


def _open(postgres: dict[str, Any]) -> list[int]:
    """The versions that a store has after it was opened."""
    storage = PostgresStorage(Settings(**postgres))
    try:
        with storage.snapshot() as snapshot:
            found = snapshot.connection.execute(f"SELECT version FROM {postgres['schema']}.eventlite ORDER BY 1")
            return [version for (version,) in found]
    finally:
        storage.close()


def test_an_older_store_is_migrated_once_by_whoever_comes_first(
    postgres: dict[str, str], next_version: Callable[[str], None]
) -> None:
    with Kernel.from_profile("postgres", storage=postgres) as older:
        older.append("a")
        next_version(_NEXT)
        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(_open, [postgres] * 8)) == [[1, 2]] * 8
        assert older.append("b").id == 2  # it was open, and goes on


def test_a_migration_that_fails_leaves_the_old_schema(
    postgres: dict[str, str], next_version: Callable[[str], None]
) -> None:
    assert _open(postgres) == [1]
    next_version(f"{_NEXT} SELECT 1/0;")
    with pytest.raises(StorageError, match="division by zero"):
        _open(postgres)
    next_version(_NEXT)  # which could not add the column if it were there
    assert _open(postgres) == [1, 2]
