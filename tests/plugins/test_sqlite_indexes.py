"""Which index serves which query under which profile, and that indexes change only when told to."""

from __future__ import annotations

import datetime as dt
import re
from contextlib import closing

import pytest
from eventlite_sqlite import Settings, connection, eventlite_make_storage, schema, statements
from eventlite_sqlite import indexes as ddl

from eventlite import Condition, Kernel, NewEvent, Query
from eventlite.contracts import INDEXES, Index
from eventlite.errors import InvalidQueryError

TIME = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
PATHS = {"paths": {"order": "data.order_id", "city": "data.customer.city"}}
EIGHT = sorted(INDEXES)

#: The indexes by which the events of a query are found, one per alternative; "log" is the order of the ids itself.
PLANS = {
    # a query, and what serves it under high-volume, balanced and query-optimized
    "everything": (Query(), "log", "log", "log"),
    "cmd": (Query(cmd="a"), "log", "cmd", "cmd"),
    "commands": (Query(cmd=["a", "b"]), "log log", "cmd cmd", "cmd cmd"),
    "user": (Query(user="u"), "log", "log", "user"),
    "correlation": (Query(correlation_id="c"), "correlation_id", "correlation_id", "correlation_id"),
    "causation": (Query(causation_id=1), "causation_id", "causation_id", "causation_id"),
    "version": (Query(version=2), "log", "log", "version"),
    "since": (Query(since=TIME), "log", "log", "log"),
    "since until": (Query(since=TIME, until=TIME), "log", "datetime", "datetime"),
    "user since": (Query(user="u", since=TIME), "log", "log", "user_datetime"),
    "correlation cmd": (Query(correlation_id="c", cmd="a"), "correlation_id", "correlation_id", "correlation_cmd"),
    "correlation since": (Query(correlation_id="c", since=TIME), "correlation_id", "correlation_id", "correlation_id"),
    "causation cmd": (Query(causation_id=1, cmd="a"), "causation_id", "causation_id", "causation_id"),
    "tag": (Query(tags="t"), "tag", "tag", "tag"),
    "tags": (Query(tags=["t", "u"]), "tag", "tag", "tag"),
    "tag cmd": (Query(tags="t", cmd="a"), "tag", "tag", "tag"),
    "payload": (Query(data={"order_id": "A1"}), "order", "order", "order"),
    "nested payload": (Query(data={"customer.city": "Rome"}), "city", "city", "city"),
    "payload number": (Query(data={"order_id": 1}), "order order", "order order", "order order"),
    "payload null": (Query(data={"order_id": None}), "order", "order", "order"),
    "other payload": (Query(data={"other": 1.5}), "log", "log", "log"),
    "union": (Query(cmd="a") | Query(tags="t"), "log tag", "cmd tag", "cmd tag"),
    "union of three": (
        Query(user="u") | Query(correlation_id="c") | Query(data={"order_id": "A1"}),
        "log correlation_id order",
        "log correlation_id order",
        "user correlation_id order",
    ),
}
PROFILES = ["high-volume", "balanced", "query-optimized"]


def served_by(plan):
    """The name of each index that a plan searches, in order; fetching an event by its id does not count."""
    found = []
    for step in plan:
        if "(rowid=?)" in step or re.search(r" t[1-9] ", step):
            continue
        index = re.search(r"SEARCH event USING (?:COVERING )?INDEX event_by_(\w+)", step)
        if index:
            found.append(index[1])
        elif re.search(r"t0 USING PRIMARY KEY \(tag=\? AND event_id>\?( AND event_id<\?)?\)", step):
            found.append("tag")
        elif re.search(r"(SEARCH|SCAN) event\b", step):
            found.append("log")
    return " ".join(found)


@pytest.fixture(scope="module", params=PROFILES)
def filled(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("indexes") / "events.db"
    with Kernel.from_profile(request.param, storage={"path": str(path)}, indexing=PATHS) as kernel:
        events = [
            NewEvent(f"c{n % 5}", {"order_id": f"A{n}", "customer": {"city": "Rome"}}, f"u{n % 7}", tags=[f"t:{n % 3}"])
            for n in range(300)
        ]
        kernel.append_many(events)
        yield kernel


@pytest.mark.parametrize("name", PLANS)
def test_each_query_is_served_by_the_index_that_its_profile_has_for_it(filled, name):
    query, *expected = PLANS[name]
    assert served_by(filled.storage.explain(query)) == expected[PROFILES.index(filled.profile.name)]


SORTED = ["since until", "user since"]


@pytest.mark.parametrize("name", [name for name in PLANS if name not in SORTED])
def test_what_is_not_a_range_of_time_comes_in_order_without_sorting(filled, name):
    """So a page costs the same at any depth."""
    plan = filled.storage.explain(PLANS[name][0])
    assert not any("ORDER BY" in step for step in plan)


def test_each_profile_declares_its_indexes(filled):
    own = ["order", "city"]
    declared = {
        "high-volume": ["correlation_id", "causation_id", *own],
        "balanced": ["correlation_id", "causation_id", "cmd", "datetime", *own],
        "query-optimized": [*EIGHT, *own],
    }
    assert filled.indexes.active() == sorted(declared[filled.profile.name])
    assert filled.indexes.difference() == ([], [])


def test_a_list_of_many_commands_is_one_search_of_their_index(filled):
    plan = filled.storage.explain(Query(cmd=[f"c{n}" for n in range(100)]))
    assert served_by(plan) == ("log" if filled.profile.name == "high-volume" else "cmd")


CONDITIONS = {
    "tag": (Query(tags="t"), "tag"),
    "tags": (Query(tags=["t", "u"]), "tag"),
    "correlation": (Query(correlation_id="c"), "correlation_id"),
    "causation": (Query(causation_id=1), "causation_id"),
    "union": (Query(tags="t") | Query(correlation_id="c"), "tag correlation_id"),
}


@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_is_checked_through_an_index_under_every_profile(filled, name):
    query, expected = CONDITIONS[name]
    text, values = statements.last(statements.scans(query), 5)
    with filled.storage.snapshot() as snapshot:
        plan = [row[3] for row in snapshot.connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    assert served_by(plan) == expected
    assert not any("ORDER BY" in step for step in plan)


@pytest.mark.parametrize("name", ["cmd", "user", "correlation", "tag", "payload"])
def test_counting_uses_the_same_index(filled, name):
    query, *expected = PLANS[name]
    text, values = statements.count(statements.scans(query), 0, 100)
    with filled.storage.snapshot() as snapshot:
        plan = [row[3] for row in snapshot.connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    assert served_by(plan) == expected[PROFILES.index(filled.profile.name)]


@pytest.mark.parametrize(
    ("statement", "values", "searched"),
    [(statements.GET, (1,), "PRIMARY KEY (rowid=?)"), (statements.BY_KEY, ("k",), "event_key (key=?)")],
)
def test_an_event_is_found_by_id_and_by_key_at_once(filled, statement, values, searched):
    with filled.storage.snapshot() as snapshot:
        (step,) = snapshot.connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
    assert searched in step[3]


# --- every index is right


@pytest.mark.parametrize("name", PLANS)
def test_the_answer_is_the_same_with_and_without_indexes(tmp_path, name):
    query = PLANS[name][0]
    with Kernel.from_profile("query-optimized", storage={"path": f"{tmp_path}/events.db"}, indexing=PATHS) as kernel:
        first = kernel.append("a", {"order_id": "A1"}, user="u", tags=["t", "u"], correlation_id="c")
        for n in range(30):
            data = {"order_id": [1, 1.0, "A1", None, True][n % 5], "customer": {"city": ["Rome", "Oslo"][n % 2]}}
            fields = {
                "user": "uv"[n % 2],
                "version": n % 3 + 1,
                "correlation_id": "cd"[n % 2],
                "tags": ["t", "u"][: n % 3],
            }
            kernel.append("abx"[n % 3], data, cause=first, **fields)
        indexed = list(kernel.read(query))
        kernel.indexes.apply([])
        assert kernel.indexes.active() == []
        assert list(kernel.read(query)) == indexed
        assert list(kernel.read(query, backwards=True)) == indexed[::-1]
        assert kernel.count(query) == len(indexed)


# --- only when told to


def opened(path, profile, **indexing):
    return Kernel.from_profile(profile, storage={"path": str(path)}, indexing=indexing)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.mark.parametrize("first", PROFILES)
@pytest.mark.parametrize("second", PROFILES)
def test_opening_under_another_profile_never_changes_the_indexes_of_a_store_with_events(path, first, second, caplog):
    with opened(path, first) as kernel:
        kernel.append("kept")
        before = kernel.indexes.active()
    caplog.set_level("INFO", "eventlite")
    with opened(path, second) as kernel:
        assert kernel.indexes.active() == before
        missing, extra = kernel.indexes.difference()
        assert set(missing) == {index.name for index in kernel.indexes.declared()} - set(before)
        assert set(extra) == set(before) - {index.name for index in kernel.indexes.declared()}
        assert ("indexes apply" in caplog.text) == (first != second)
        assert kernel.indexes.apply() == sorted(index.name for index in kernel.indexes.declared())
        assert kernel.indexes.difference() == ([], [])


@pytest.mark.parametrize("second", PROFILES)
def test_an_empty_store_takes_the_indexes_of_the_profile_that_opens_it(path, second):
    opened(path, "query-optimized").close()
    with opened(path, second) as kernel:
        assert kernel.indexes.difference() == ([], [])


def test_apply_makes_the_set_exact(path):
    with opened(path, "balanced") as kernel:
        kernel.append("kept")
        assert kernel.indexes.apply(["user", "cmd"]) == ["cmd", "user"]
        assert kernel.indexes.apply(["cmd"]) == ["cmd"]
        assert kernel.indexes.apply([]) == []
        assert kernel.indexes.apply(EIGHT) == EIGHT
        assert kernel.indexes.apply(EIGHT) == EIGHT


def test_apply_tells_what_it_does(path):
    steps = []
    with opened(path, "high-volume") as kernel:
        kernel.append("kept")
        kernel.indexes.apply(["cmd"], progress=lambda *step: steps.append(step))
    assert [what for what, done, total in steps if done == total] == ["build cmd"]
    assert {what for what, _, _ in steps} == {"drop causation_id", "drop correlation_id", "build cmd"}


def test_an_unknown_index_is_refused_with_a_suggestion_and_nothing_changes(path):
    with opened(path, "balanced") as kernel:
        before = kernel.indexes.active()
        with pytest.raises(InvalidQueryError, match=r"'usr'.*(?s:.*)'user'"):
            kernel.indexes.apply(["usr", "cmd"])
        assert kernel.indexes.active() == before


def test_a_path_index_is_built_anew_when_its_path_changes(path):
    with opened(path, "high-volume", paths={"mine": "data.old"}) as kernel:
        kernel.append("kept", {"old": 1, "new": 2})
    with opened(path, "high-volume", paths={"mine": "data.new"}) as kernel:
        assert kernel.indexes.difference() == (["mine"], ["mine"])
        kernel.indexes.apply()
        assert served_by(kernel.storage.explain(Query(data={"new": "x"}))) == "mine"
        assert served_by(kernel.storage.explain(Query(data={"old": "x"}))) == "log"


# --- names and paths

AWKWARD = [
    "with space",
    "o'brien",
    "dollar$",
    "brack[0]et",
    "ünïcödé",
    "😀",
    "--",
    "semi;colon",
    "percent%",
    "a?b",
    ":name",
    "@x",
]


@pytest.mark.parametrize("key", AWKWARD)
def test_a_path_index_works_for_any_key_that_can_be_a_path(path, key):
    with opened(path, "high-volume", paths={"mine": f"data.{key}.inner"}) as kernel:
        kernel.append("awkward", {key: {"inner": "found"}})
        kernel.append("awkward", {key: "other"})
        query = Query(data={f"{key}.inner": "found"})
        assert served_by(kernel.storage.explain(query)) == "mine"
        assert [event.id for event in kernel.read(query)] == [1]
        assert kernel.storage.indexes()[-1] == Index("mine", path=(key, "inner"))
    with opened(path, "high-volume", paths={"mine": f"data.{key}.inner"}) as kernel:
        assert kernel.indexes.difference() == ([], [])


@pytest.mark.parametrize(
    "index",
    [
        Index('x" ON event (id); DROP TABLE event; --', ("cmd",)),
        Index("x", ("cmd); DROP TABLE event; --",)),
        Index("x", ("nothing",)),
        Index("x", path=('a" || (SELECT 1) || "',)),
        Index("x", path=("a\\",)),
        Index("", ("cmd",)),
    ],
)
def test_identifiers_come_from_an_allow_list(path, index):
    with closing(eventlite_make_storage(Settings(path=path))) as storage:
        with pytest.raises(InvalidQueryError):
            storage.create_index(index)
        assert storage.indexes() == []
        assert list(storage.check()) == []


def test_a_name_to_drop_is_from_the_allow_list_too(path):
    with closing(eventlite_make_storage(Settings(path=path))) as storage:
        with pytest.raises(InvalidQueryError):
            storage.drop_index('x"; DROP TABLE event; --')
        storage.drop_index("never_was_there")
        assert storage.head() == 0


def test_an_index_that_somebody_else_made_is_left_alone(path):
    with opened(path, "balanced") as kernel:
        kernel.append("kept")
        with kernel.transaction() as transaction:
            transaction.connection.execute("CREATE INDEX event_by_hand ON event (ip, user)")
            transaction.connection.execute("CREATE INDEX mine ON event (ip)")
        before = kernel.indexes.active()
        assert "hand" not in before
        kernel.indexes.apply()
        with kernel.storage.snapshot() as snapshot:
            names = {name for (name,) in snapshot.connection.execute("SELECT name FROM sqlite_master")}
    assert {"event_by_hand", "mine"} <= names


def test_the_statement_of_every_index_leads_back_to_it(path):
    with closing(eventlite_make_storage(Settings(path=path))) as storage:
        for index in INDEXES.values():
            storage.create_index(index)
            storage.create_index(index)
        assert storage.indexes() == sorted(INDEXES.values())
        assert "WHERE causation_id IS NOT NULL" in ddl.create(INDEXES["causation_id"])


def test_a_condition_holds_whatever_indexes_there_are(path):
    with opened(path, "query-optimized") as kernel:
        kernel.append("claimed", tags=["seat:1"])
        for names in ([], EIGHT):
            kernel.indexes.apply(names)
            for query in (Query(tags="seat:1"), Query(cmd="claimed"), Query(cmd=["claimed", "x"], tags="seat:1")):
                with pytest.raises(Exception, match="stands after position 0"):
                    kernel.append("claimed", condition=Condition(query))
        assert kernel.head() == 1


@pytest.mark.parametrize(("cache", "inside"), [(16 * 2**20, -2048), (2**20, -1024)])
def test_an_index_is_sorted_in_little_memory_and_the_cache_is_as_before(tmp_path, cache, inside):
    path = tmp_path / "store.db"
    schema.create_file(path)
    with closing(connection.writer(path, Settings(path=path, cache_size=cache))) as writing:
        with pytest.raises(ZeroDivisionError), connection.sorting(writing):
            assert writing.execute("PRAGMA cache_size").fetchone() == (inside,)
            raise ZeroDivisionError
        assert writing.execute("PRAGMA cache_size").fetchone() == (-cache // 1024,)
