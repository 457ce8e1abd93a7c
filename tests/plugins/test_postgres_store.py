"""What is particular to the storage on PostgreSQL: where the store is, who may use it, plans, values."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from eventlite_postgres import Settings
from eventlite_postgres.connecting import conninfo
from eventlite_postgres.doctor import findings
from eventlite_postgres.scratch import PREFIX
from eventlite_postgres.storage import PostgresStorage
from eventlite_postgres.testing import drop_schema

from eventlite import Condition, Kernel, NewEvent, Query
from eventlite.contracts import INDEXES, Index
from eventlite.errors import (
    ConflictError,
    ForeignFileError,
    InvalidEventError,
    SchemaVersionError,
    StorageError,
    StoreNotFoundError,
    StoreReadOnlyError,
)


@pytest.fixture
def execute(postgres_server: str) -> Iterator[Callable[..., list[Any]]]:
    """Run a statement beside the store."""
    with psycopg.connect(postgres_server, autocommit=True) as connection:

        def execute(text: str, values: Any = None) -> list[Any]:
            cursor = connection.execute(text, values)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

        yield execute


@pytest.fixture
def open_storage(postgres: dict[str, str]) -> Iterator[Callable[..., PostgresStorage]]:
    """Open the test's store, or one with other settings."""
    with ExitStack() as stack:

        def open_storage(**settings: Any) -> PostgresStorage:
            storage = PostgresStorage(Settings(**(postgres | settings)))
            stack.callback(storage.close)
            return storage

        yield open_storage


@pytest.fixture
def kernel(postgres: dict[str, str]) -> Iterator[Kernel]:
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        yield kernel


def test_many_may_create_one_store_at_once(open_storage: Callable[..., PostgresStorage]) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: open_storage(), range(8)))
    assert {store.head() for store in stores} == {0}
    assert stores[0].facts()["schema_version"] == 1


def test_several_stores_live_in_one_database(postgres: dict[str, str], execute: Callable[..., list[Any]]) -> None:
    other = {**postgres, "schema": 'an "odd" % schema'}
    try:
        with (
            Kernel.from_profile("postgres", storage=postgres) as one,
            Kernel.from_profile("postgres", storage=other) as two,
        ):
            one.append("a", {"n": 1}, tags=["t"])
            two.append_many([NewEvent("b", {"n": 1}, tags=["t"]), NewEvent("c")])
            two.storage.create_index(Index("n", path=("n",)))
            assert (one.head(), two.head(), two.count(Query(data={"n": 1}, tags="t"))) == (1, 2, 1)
            with two.transaction() as inside:  # the turn to write is each store's own
                one.append("d")
                assert inside.head() == 2
            assert [index.name for index in two.storage.indexes() if index.path] == ["n"]
    finally:
        drop_schema(postgres["dsn"], 'an "odd" % schema')


def test_the_search_path_says_where_the_store_is(postgres: dict[str, str], execute: Callable[..., list[Any]]) -> None:
    schema = postgres["schema"]
    execute(f"CREATE SCHEMA {schema}")
    dsn = psycopg.conninfo.make_conninfo(postgres["dsn"], options=f"-csearch_path={schema}")
    with Kernel.from_profile("postgres", storage={"dsn": dsn}) as kernel:
        kernel.append("a")
    assert execute(f"SELECT cmd FROM {schema}.event") == [("a",)]


def test_tables_that_name_no_schema_are_those_of_the_store(
    postgres: dict[str, str], execute: Callable[..., list[Any]]
) -> None:
    assert "options" not in conninfo(Settings(**postgres))  # a pooling proxy would refuse it
    schema = f"{postgres['schema']} 'o\"dd'"
    quoted = schema.replace('"', '""')
    try:
        with Kernel.from_profile("postgres", storage={**postgres, "schema": schema}) as kernel:
            with kernel.transaction() as tx:
                tx.connection.execute("CREATE TABLE mine AS SELECT 1 AS one")
            with kernel.storage.snapshot() as snapshot:
                assert snapshot.connection.execute("SELECT one FROM mine").fetchall() == [(1,)]
        assert execute(f'SELECT one FROM "{quoted}".mine') == [(1,)]
    finally:
        drop_schema(postgres["dsn"], schema)


def test_without_a_schema_there_is_no_store(postgres: dict[str, str]) -> None:
    dsn = psycopg.conninfo.make_conninfo(postgres["dsn"], options="-csearch_path=nowhere")
    with pytest.raises(StorageError, match="Name one with the setting"):
        PostgresStorage(Settings(dsn=dsn))


def test_a_store_that_is_not_there_is_not_made_by_a_look(postgres: dict[str, str]) -> None:
    with pytest.raises(StoreNotFoundError):
        Kernel.from_profile("postgres", create=False, storage=postgres)


def test_other_peoples_tables_are_left_untouched(postgres: dict[str, str], execute: Callable[..., list[Any]]) -> None:
    execute(f"CREATE SCHEMA {postgres['schema']}")
    execute(f"CREATE TABLE {postgres['schema']}.event (mine text)")
    with pytest.raises(ForeignFileError, match="another program's event"):
        PostgresStorage(Settings(**postgres))
    assert execute(f"SELECT * FROM {postgres['schema']}.event") == []


def test_a_newer_store_is_left_untouched(
    open_storage: Callable[..., PostgresStorage], postgres: dict[str, str], execute: Callable[..., list[Any]]
) -> None:
    open_storage()
    execute(f"INSERT INTO {postgres['schema']}.eventlite (version) VALUES (99)")
    with pytest.raises(SchemaVersionError, match="version 99"):
        open_storage()


@pytest.mark.parametrize("dsn", ["nonsense", "postgresql://user:secret@[::1", "sslmode=maybe host=x"])
def test_a_dsn_that_cannot_be_read_is_one_error(dsn: str) -> None:
    with pytest.raises(StorageError) as caught:
        PostgresStorage(Settings(dsn=dsn))
    assert "secret" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_error() -> None:
    with pytest.raises(StorageError, match="cannot be reached") as caught:
        PostgresStorage(Settings(dsn="host=/nowhere user=x password=secret dbname=y"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"user": "nobody_here"}, 'does not let us in: role "nobody_here" does not exist'),
        ({"dbname": "none"}, 'does not let us in: database "none" does not exist'),
        ({"host": "/nowhere,/elsewhere"}, "/nowhere/.s.PGSQL.*/elsewhere/.s.PGSQL"),
        ({"sslmode": "perhaps"}, 'invalid sslmode value: "perhaps"'),
    ],
    ids=["user", "database", "hosts", "option"],
)
def test_a_dsn_that_leads_nowhere_is_told_in_two_lines(
    postgres: dict[str, str], change: dict[str, Any], told: str
) -> None:
    known = psycopg.conninfo.conninfo_to_dict(postgres["dsn"], password="hunter2")
    with pytest.raises(StorageError, match=told) as caught:
        PostgresStorage(Settings(dsn=psycopg.conninfo.make_conninfo(**(known | change))))
    assert len(str(caught.value).splitlines()) == 2
    assert "hunter2" not in str(caught.value)


def test_a_forgotten_dsn_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "/nowhere")
    with pytest.raises(StorageError, match="the setting `dsn` is empty") as caught:
        PostgresStorage(Settings())
    assert "EVENTLITE_STORAGE__DSN=" in str(caught.value)


def test_the_doctor_tells_what_a_killed_benchmark_left(
    open_storage: Callable[..., PostgresStorage], postgres: dict[str, str], execute: Callable[..., list[Any]]
) -> None:
    storage, left = open_storage(), f"{PREFIX}{postgres['schema']}"
    assert ("ok", "server") in {found[:2] for found in findings(storage)}
    execute(f"CREATE SCHEMA {left}")
    try:
        assert f"DROP SCHEMA {left} CASCADE" in "".join(found.message for found in findings(storage))
    finally:
        execute(f"DROP SCHEMA {left}")


def test_a_database_of_another_encoding_is_refused(postgres: dict[str, str], execute: Callable[..., list[Any]]) -> None:
    name = f"{postgres['schema']}_latin"
    execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with pytest.raises(StorageError, match="LATIN1"):
            PostgresStorage(Settings(dsn=psycopg.conninfo.make_conninfo(postgres["dsn"], dbname=name)))
    finally:
        execute(f"DROP DATABASE {name}")


def test_a_session_that_only_reads_says_so(
    open_storage: Callable[..., PostgresStorage], postgres: dict[str, str]
) -> None:
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        kernel.append("a")
        dsn = psycopg.conninfo.make_conninfo(postgres["dsn"], options="-cdefault_transaction_read_only=on")
        with Kernel.from_profile("postgres", storage={**postgres, "dsn": dsn}) as reader:
            assert reader.head() == 1
            with pytest.raises(StoreReadOnlyError):
                reader.append("b")
        assert kernel.append("c").id == 2


def test_the_documented_privileges_are_enough(postgres: dict[str, str], execute: Callable[..., list[Any]]) -> None:
    schema = postgres["schema"]
    with Kernel.from_profile("postgres", storage=postgres) as owner:
        owner.append("a", tags=["t"])
    execute(f"CREATE ROLE {schema}_app LOGIN")
    execute(f"GRANT USAGE ON SCHEMA {schema} TO {schema}_app")
    execute(f"GRANT SELECT, INSERT ON {schema}.event, {schema}.event_tag TO {schema}_app")
    execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.state TO {schema}_app")
    execute(f"GRANT SELECT ON {schema}.eventlite TO {schema}_app")
    try:
        dsn = psycopg.conninfo.make_conninfo(postgres["dsn"], user=f"{schema}_app")
        with Kernel.from_profile("postgres", storage={**postgres, "dsn": dsn}) as app:
            guard = Condition(Query(tags="t"), after=1)
            assert app.append("b", tags=["t"], key="k", condition=guard).id == 2
            assert app.append("b", tags=["t"], key="k", condition=guard).id == 2
            assert app.append_bulk([NewEvent("c")] * 300).count == 300
            with app.transaction() as tx:
                tx.state.put("space", "name", {})
            assert app.verify().problems == []
            with pytest.raises(StorageError, match="does not allow"):
                app.storage.create_index(INDEXES["user"])
    finally:
        execute(f"DROP OWNED BY {schema}_app")
        execute(f"DROP ROLE {schema}_app")


def test_a_statement_that_failed_undoes_the_transaction_aloud(open_storage: Callable[..., PostgresStorage]) -> None:
    storage = open_storage()
    with pytest.raises(StorageError, match="nothing was written"), storage.transaction() as tx:
        tx.state.put("space", "name", {})
        with pytest.raises(psycopg.errors.UndefinedTable):
            tx.connection.execute("SELECT * FROM nowhere")
    with storage.transaction() as tx:
        assert tx.state.get("space", "name") is None
        with pytest.raises(psycopg.errors.UndefinedTable), tx.connection.transaction():
            tx.connection.execute("SELECT * FROM nowhere")
        tx.state.put("space", "name", {})
    with storage.snapshot() as snapshot:
        assert snapshot.state.get("space", "name") is not None


def test_a_record_cannot_be_called_by_a_nul(open_storage: Callable[..., PostgresStorage]) -> None:
    with open_storage().transaction() as tx, pytest.raises(InvalidEventError):
        tx.state.put("space", "a\0b", {})


def test_a_value_longer_than_an_index_entry_is_stored_and_found(kernel: Kernel) -> None:
    kernel.storage.create_index(Index("note", path=("note",)))
    notes = ["é" * 5000, "é" * 5001, "é" * 499, "é" * 498, "\0" + "é" * 5000, "\\u0000", "\0\0\\\0", "\\\0", "\\/", "/"]
    for note in notes:
        kernel.append("noted", {"note": note})
    for position, note in enumerate(notes, 1):
        assert [event.id for event in kernel.read(Query(data={"note": note}))] == [position]


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(cmd="c3"), "by_cmd"),
        (Query(correlation_id="none"), "by_correlation_id"),
        (Query(causation_id=5), "by_causation_id"),
        (Query(data={"order": "A7"}), "by_order"),
        (Query(data={"order": "a\0b"}), "by_order"),
        (Query(tags="t7"), "event_tag_pkey"),
    ],
    ids=["cmd", "correlation", "cause", "path", "NUL", "tag"],
)
def test_a_query_by_one_value_reads_one_index(kernel: Kernel, query: Query, index: str) -> None:
    kernel.storage.create_index(Index("order", path=("order",)))
    kernel.append_bulk([NewEvent(f"c{n % 50}", {"order": f"A{n}", "nul": "\0"}, tags=[f"t{n}"]) for n in range(10_000)])
    plan = "\n".join(kernel.storage.explain(query))
    assert index in plan
    assert "Seq Scan" not in plan


@pytest.fixture
def clustered(kernel: Kernel) -> Kernel:
    """Half of the events have one command and user, and all of these lie behind the others."""
    for name in ("early", "late"):
        events = [NewEvent(name, {"n": n}, user=f"{name}er", version=n % 2 + 1) for n in range(10_000)]
        kernel.append_bulk(events)
    return kernel


def test_a_page_of_what_many_events_share_walks_its_index(clustered: Kernel) -> None:
    late = Query(cmd="late")
    for query in (late, late | Query(cmd="early"), Query(cmd=["late", "early", "none"])):
        plan = "\n".join(clustered.storage.explain(query))
        assert plan.count("by_cmd") == len(query.alternatives) * len(query.alternatives[0].cmds or ())
        assert "Seq Scan" not in plan
    clustered.storage.drop_index("cmd")
    assert "event_pkey" in "\n".join(clustered.storage.explain(late))


def test_with_and_without_an_index_the_answers_are_the_same(clustered: Kernel) -> None:
    def answers() -> list[list[int]]:
        return [
            [row[0] for row in clustered.storage.read(query, limit=7, backwards=backwards, **where)]
            for query in (
                *(Query(cmd="late"), Query(user="earlyer"), Query(version=2), Query(cmd="none")),
                *(Query(cmd=["late", "early"]), Query(version=1) | Query(user="later"), Query(cmd="late", version=1)),
            )
            for where in ({}, {"after": 9_990}, {"before": 10_005}, {"after": 9_998, "before": 10_004, "offset": 2})
            for backwards in (False, True)
        ]

    clustered.indexes.apply([])
    without = answers()
    clustered.indexes.apply(["cmd", "user", "version"])
    assert answers() == without
    assert sum(map(len, without)) > 200


def test_an_index_whose_building_was_interrupted_is_told_and_mended(
    open_storage: Callable[..., PostgresStorage], postgres: dict[str, str], execute: Callable[..., list[Any]]
) -> None:
    storage = open_storage()
    storage.create_index(INDEXES["user"])
    relation = f"{postgres['schema']}.by_user"
    execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", (relation,))
    assert storage.indexes() == []
    assert [problem.split(":")[0] for problem in storage.check()] == ["the index user was not finished"]
    storage.create_index(INDEXES["user"])
    assert (storage.indexes(), list(storage.check())) == ([INDEXES["user"]], [])


def test_a_tag_table_that_disagrees_is_told(
    open_storage: Callable[..., PostgresStorage], postgres: dict[str, str], execute: Callable[..., list[Any]]
) -> None:
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        kernel.append("a", tags=["t", "u"])
    execute(f"DELETE FROM {postgres['schema']}.event_tag WHERE tag = 't'")
    execute(f"INSERT INTO {postgres['schema']}.event_tag VALUES ('v', 1)")
    assert sorted(open_storage().check()) == [
        "event 1 and the tag table disagree about tag 't'",
        "event 1 and the tag table disagree about tag 'v'",
    ]


def test_whatever_isolation_is_usual_a_condition_sees_what_is_committed(postgres: dict[str, str]) -> None:
    dsn = psycopg.conninfo.make_conninfo(postgres["dsn"], options="-cdefault_transaction_isolation=serializable")
    with Kernel.from_profile("postgres", storage={**postgres, "dsn": dsn}) as kernel:
        kernel.append("a", tags=["t"])
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: kernel.append("b", tags=["u"]), range(40)))
        assert kernel.append("c", condition=Condition(Query(tags="t"), after=1)).id == 42


def test_the_view_for_people_shows_times(postgres: dict[str, str], execute: Callable[..., list[Any]]) -> None:
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        event = kernel.append("a")
    assert execute(f"SELECT datetime, cmd FROM {postgres['schema']}.events") == [(event.datetime, "a")]


def test_the_promise_follows_the_server(postgres_server: str, open_storage: Callable[..., PostgresStorage]) -> None:
    assert "power cut" in open_storage().capabilities.durability
    dsn = psycopg.conninfo.make_conninfo(postgres_server, options="-csynchronous_commit=off")
    assert "may lose the last moments" in open_storage(dsn=dsn).capabilities.durability


def test_a_profile_may_let_reads_lag_behind_others(postgres: dict[str, str]) -> None:
    with (
        Kernel.from_profile("postgres", storage=postgres) as other,
        Kernel.from_profile("postgres", storage={**postgres, "freshness": 60.0}) as lagging,
        Kernel.from_profile("postgres", storage=postgres) as strict,
    ):
        first = other.append("a", correlation_id="c")
        assert [kernel.by_correlation("c") for kernel in (lagging, strict)] == [[first], [first]]
        second = other.append("b", correlation_id="c")
        assert [kernel.by_correlation("c") for kernel in (lagging, strict)] == [[first], [first, second]]
        assert lagging.storage.wait(first.id, 0) == second.id  # followers do not lag
        with pytest.raises(ConflictError):  # nor do conditions
            lagging.append("c", condition=Condition(Query(correlation_id="c"), after=first.id))
        third = lagging.append("c", correlation_id="c")  # nor what this process appended itself
        assert lagging.by_correlation("c") == [first, second, third]


@pytest.mark.parametrize("sign", ["\1", "\2", "\t", "\n", "\r", "\\", "\\N", "\\.", "é"])
def test_a_load_keeps_whatever_sign_a_text_holds(postgres: dict[str, str], sign: str) -> None:
    tagged = [NewEvent("noted", {"text": sign}, user=sign, tags=[f"of:{sign}"]) for _ in range(220)]
    plain = [NewEvent("noted", {"text": sign}, user=sign, metadata={"of": sign}) for _ in range(220)]
    with Kernel.from_profile("postgres", storage=postgres) as kernel:
        assert kernel.append_bulk(tagged).last_id == 220
        report = kernel.append_bulk(plain)
        assert (report.first_id, report.last_id, report.count) == (221, 440, 220)
        assert [(one.user, one.data, one.metadata, one.tags) for one in kernel.read()] == [
            *((sign, {"text": sign}, {}, (f"of:{sign}",)) for _ in tagged),
            *((sign, {"text": sign}, {"of": sign}, ()) for _ in plain),
        ]
        assert kernel.verify().problems == []
