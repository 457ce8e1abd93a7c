"""The races, and what EventLite is to reach in them: ratios of medians inside one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeAlias

from benchmarks.peers import eventlite as ours
from benchmarks.peers import eventsourcing, huey, postgres, sqlite, umadb
from benchmarks.peers.arena import Arena
from eventlite.bench import Stage, jobs, reading, writing
from eventlite.bench.rounds import Rounds

Entry: TypeAlias = Callable[[Arena], Rounds]


class Target(NamedTuple):
    """One contestant of a race is to be at least so many times as fast as another; None is for information."""

    ours: str
    other: str
    at_least: float | None = None


@dataclass(frozen=True)
class Race:
    """Contestants that do the same work by turns, and the targets among them."""

    name: str
    unit: str
    summary: str
    contestants: Mapping[str, Entry]
    targets: tuple[Target, ...] = ()


def _under(name: str, arena: Arena, run: Callable[[Stage], Rounds]) -> Rounds:
    return run(ours.profile(arena, name))


def _large(name: str, arena: Arena, run: Callable[[Stage], Rounds]) -> Rounds:
    return run(ours.profile(arena, name, arena.large))


_ONE, _TASKS, _THREADS, _BULK = "eventlite", "eventlite, 64 tasks", "eventlite, 64 threads", "eventlite, append_bulk"
_STORE, _RECORDER = "eventsourcing", "eventsourcing, recorder"
_HIGH, _BALANCED, _QUERY = "high-volume", "balanced", "query-optimized"

_WRITING = (
    Race(
        "append-full",
        "events",
        "one append after the other, synchronous FULL",
        {
            _ONE: lambda arena: writing.one_by_one(ours.durable(arena)),
            "sqlite3": partial(sqlite.append, synchronous="FULL"),
            _STORE: partial(eventsourcing.append, door=eventsourcing.STORE),
            _RECORDER: partial(eventsourcing.append, door=eventsourcing.RECORDER),
            "umadb": umadb.append,
        },
        (Target(_ONE, "sqlite3", 0.8), Target(_ONE, _STORE, 1.3), Target(_ONE, _RECORDER), Target(_ONE, "umadb", 3)),
    ),
    Race(
        "append-normal",
        "events",
        "one append after the other, synchronous NORMAL",
        {
            _ONE: lambda arena: writing.one_by_one(ours.profile(arena, _HIGH)),
            "sqlite3": partial(sqlite.append, synchronous="NORMAL"),
        },
        (Target(_ONE, "sqlite3", 0.75),),
    ),
    Race(
        "append-together",
        "events",
        "many appending at once, synchronous FULL",
        {
            _ONE: lambda arena: writing.one_by_one(ours.durable(arena)),
            _TASKS: lambda arena: writing.from_tasks(ours.durable(arena)),
            _THREADS: lambda arena: writing.from_threads(ours.durable(arena), 64),
            _BULK: lambda arena: ours.bulk(ours.durable(arena)),
            "umadb, 8 clients": partial(umadb.append_together, clients=8),
        },
        (
            Target(_TASKS, _ONE, 8),
            Target(_TASKS, "umadb, 8 clients", 5),
            Target(_TASKS, _BULK, 0.2),
            Target(_THREADS, _ONE, 2.5),
            Target(_BULK, _ONE, 30),
        ),
    ),
    Race(
        "bulk",
        "events",
        "a load into a new store: correlation ids given, synchronous NORMAL",
        {
            _ONE: lambda arena: ours.bulk(ours.profile(arena, _HIGH)),
            "sqlite3": partial(sqlite.bulk, synchronous="NORMAL"),
            _STORE: partial(eventsourcing.bulk, door=eventsourcing.STORE),
            _RECORDER: partial(eventsourcing.bulk, door=eventsourcing.RECORDER),
            "umadb": umadb.bulk,
        },
        (
            Target(_ONE, "sqlite3", 0.95),
            Target(_ONE, _STORE, 1.2),
            Target(_ONE, _RECORDER, 1.2),
            Target(_ONE, "umadb", 0.8),
        ),
    ),
    Race(
        "bulk-generated",
        "events",
        "a load into a new store: every event with a new correlation id, UUIDv7 here and UUIDv4 there",
        {
            _ONE: lambda arena: ours.bulk(ours.profile(arena, _HIGH), ours.without_correlation),
            "sqlite3": partial(sqlite.bulk, synchronous="NORMAL", own_ids=False),
        },
        (Target(_ONE, "sqlite3", 1.3),),
    ),
    Race(
        "bulk-8-indexes",
        "events",
        "a load into a new store with all eight indexes, synchronous FULL",
        {
            _ONE: lambda arena: ours.bulk(ours.profile(arena, _QUERY)),
            "sqlite3": partial(sqlite.bulk, synchronous="FULL", indexes=sqlite.ALL),
        },
        (Target(_ONE, "sqlite3", 0.9),),
    ),
    Race(
        "bulk-tagged",
        "events",
        "a load into a new store: plain, with two tags each, with causes",
        {
            _ONE: lambda arena: ours.bulk(ours.profile(arena, _HIGH)),
            "eventlite, two tags": lambda arena: ours.bulk(ours.profile(arena, _HIGH), writing.tagged),
            "eventlite, causes": lambda arena: ours.bulk(ours.profile(arena, _HIGH), ours.caused),
        },
        (Target("eventlite, two tags", _ONE, 0.4),),
    ),
)

_READING = (
    Race(
        "stream",
        "events",
        "every event, in order",
        {
            "eventlite, payloads": lambda arena: ours.stream(ours.profile(arena, _HIGH), touched=True),
            "eventlite, undecoded": lambda arena: ours.stream(ours.profile(arena, _HIGH), touched=False),
            "sqlite3": lambda arena: sqlite.scan(arena, arena.scale),
            _STORE: lambda arena: eventsourcing.read_all(arena, arena.scale, eventsourcing.STORE),
            _RECORDER: lambda arena: eventsourcing.read_all(arena, arena.scale, eventsourcing.RECORDER),
        },
        (
            Target("eventlite, payloads", "sqlite3", 0.4),
            Target("eventlite, undecoded", "sqlite3", 0.75),
            Target("eventlite, payloads", _STORE, 1.5),
            Target("eventlite, payloads", _RECORDER, 1.5),
        ),
    ),
    Race(
        "get",
        "reads",
        "one event by id",
        {
            "eventlite, uncached": lambda arena: ours.probed(ours.profile(arena, _HIGH), reading.get),
            "eventlite, cached": lambda arena: ours.probed(ours.profile(arena, _BALANCED), reading.get_cached),
            "sqlite3": lambda arena: sqlite.get(arena, arena.scale),
        },
        (Target("eventlite, uncached", "sqlite3", 0.65), Target("eventlite, cached", "sqlite3", 3)),
    ),
    Race(
        "correlation",
        "reads",
        "the ten events of a correlation",
        {
            _ONE: lambda arena: ours.probed(ours.profile(arena, _HIGH), reading.correlation),
            "sqlite3": lambda arena: sqlite.correlation(arena, arena.scale),
            _STORE: lambda arena: eventsourcing.correlation(arena, arena.scale, eventsourcing.STORE),
            _RECORDER: lambda arena: eventsourcing.correlation(arena, arena.scale, eventsourcing.RECORDER),
        },
        (Target(_ONE, "sqlite3", 0.65), Target(_ONE, _STORE, 3), Target(_ONE, _RECORDER)),
    ),
    Race(
        "page",
        "pages",
        "pages of a large store by cursor: nine tenths down and at the beginning",
        {
            "eventlite, deep": lambda arena: ours.deep_page(ours.profile(arena, _HIGH, arena.large)),
            "eventlite, second": lambda arena: ours.second_page(ours.profile(arena, _HIGH, arena.large)),
            "eventlite, first uncounted": lambda arena: ours.first_page(ours.profile(arena, _HIGH, arena.large)),
            "sqlite3, first": lambda arena: sqlite.first_page(arena, arena.large),
        },
        (
            Target("eventlite, deep", "eventlite, second", 1 / 1.3),
            Target("eventlite, first uncounted", "sqlite3, first", 0.5),
        ),
    ),
)


def _every_profile(name: str, summary: str, run: Callable[[Stage], Rounds]) -> Race:
    """Writing under each profile: the less it promises, the faster it is."""
    contestants = {profile: partial(_under, profile, run=run) for profile in ours.PROFILES}
    return Race(name, "events", summary, contestants, (Target(_HIGH, _BALANCED, 1), Target(_BALANCED, _QUERY, 1)))


def _indexed_or_not(name: str, summary: str, run: Callable[[Stage], Rounds]) -> Race:
    """A query of a large store that only `query-optimized` has an index for."""
    contestants = {profile: partial(_large, profile, run=run) for profile in (_HIGH, _QUERY)}
    return Race(name, "queries", summary, contestants, (Target(_QUERY, _HIGH, 20),))


_PROFILES = (
    _every_profile("profiles-append", "one append after the other", writing.one_by_one),
    _every_profile("profiles-bulk", "a load into a new store", ours.bulk),
    _indexed_or_not(
        "profiles-user-time", "what a user did within a hundredth of the time of a large store", ours.user_at_time
    ),
    _indexed_or_not("profiles-command", "every event of a rare command in a large store", ours.rare_command),
)

_PSYCOPG, _RIVAL = "psycopg", "eventsourcing"
_EIGHT_THREADS, _EIGHT_PROCESSES = "eventlite, 8 threads", "eventlite, 8 processes"
_RIVALS_THREADS, _RIVALS_PROCESSES = "eventsourcing, 8 threads", "eventsourcing, 8 processes"
_BARE_PROCESSES = "psycopg, 8 processes"

_POSTGRES = (
    Race(
        "postgres-append",
        "events",
        "one append after the other, on a PostgreSQL server",
        {_ONE: postgres.append, _PSYCOPG: postgres.bare_append, _RIVAL: postgres.rival_append},
        (Target(_ONE, _PSYCOPG, 0.8), Target(_ONE, _RIVAL)),
    ),
    Race(
        "postgres-together",
        "events",
        "eight threads of one process appending at once, and eight processes, on a PostgreSQL server",
        {
            _EIGHT_THREADS: postgres.append_from_threads,
            _RIVALS_THREADS: postgres.rival_append_from_threads,
            _EIGHT_PROCESSES: postgres.append_from_processes,
            _BARE_PROCESSES: postgres.bare_append_from_processes,
            _RIVALS_PROCESSES: postgres.rival_append_from_processes,
        },
        (
            Target(_EIGHT_THREADS, _RIVALS_THREADS, 3),
            Target(_EIGHT_PROCESSES, _RIVALS_PROCESSES, 0.9),
            Target(_EIGHT_PROCESSES, _BARE_PROCESSES),
        ),
    ),
    Race(
        "postgres-bulk",
        "events",
        "a load into a new store, on a PostgreSQL server",
        {_ONE: postgres.bulk, "psycopg, COPY": postgres.bare_copy},
        (Target(_ONE, "psycopg, COPY", 0.6),),
    ),
    Race(
        "postgres-stream",
        "events",
        "every event, on a PostgreSQL server",
        {_ONE: postgres.stream, "psycopg, pages": postgres.bare_scan},
        (Target(_ONE, "psycopg, pages", 0.5),),
    ),
)

_JOBS = tuple(
    Race(
        f"jobs-{at_once}",
        "jobs",
        f"empty jobs run, {at_once} at once: both synchronous FULL, and each in its quickest way",
        {
            _ONE: lambda arena, n=at_once: jobs.run_empty(ours.durable(arena), n),
            "huey": partial(huey.run_empty, at_once=at_once, jobs=1000, fsync=True),
            "eventlite, NORMAL": lambda arena, n=at_once: jobs.run_empty(ours.profile(arena, _HIGH), n),
            "huey, OFF": partial(huey.run_empty, at_once=at_once, jobs=1000, fsync=False),
        },
        (Target(_ONE, "huey", at_least), Target("eventlite, NORMAL", "huey, OFF")),
    )
    for at_once, at_least in ((1, None), (8, 5), (32, 8))
)

RACES: Mapping[str, Race] = {race.name: race for race in (*_WRITING, *_READING, *_PROFILES, *_POSTGRES, *_JOBS)}
