"""Hostile input: values stay values, names stay names, nothing is executed, and nothing that is private is told."""

from __future__ import annotations

import ast
import importlib
import logging
import os
import stat
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from eventlite import Condition, Kernel, NewEvent, Query
from eventlite.errors import (
    ConflictError,
    EventLiteError,
    InvalidEventError,
    InvalidQueryError,
    ProfileError,
    StorageError,
)

NASTY = [
    "'", "''", '"', "`", ";", "--", "/*", "*/", "%", "_", "?", "?1", ":x", "@x", "$x", "\\", "\\'", "\n", "\r\n", "\t",
    "' OR '1'='1", '" OR "1"="1', "'; DROP TABLE event; --", '"; DROP TABLE event; --', "') --", "NULL",
    "x' UNION SELECT * FROM event --", "1; ATTACH DATABASE '/tmp/x' AS x", "CAST(1 AS TEXT)", "x'61'", "{}", "[]",
    "\u2019", "\u02bc", "\x1b[31m", "\ufeff", "\u202e", "${HOME}", "$(id)", "`id`", "%s%s%n", "__import__('os')",
    "../../etc/passwd", "file:///etc/passwd", "<script>alert(1)</script>", "0", "true", "null",
]  # fmt: skip
TEXTS = st.sampled_from(NASTY) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40)


@pytest.fixture
def stores(tmp_path):
    """The same store on SQLite with every index, and in memory where there is no SQL to inject into."""
    with ExitStack() as stack:
        yield [
            stack.enter_context(Kernel.from_profile("query-optimized", storage=section))
            for section in ({"path": f"{tmp_path}/events.db"}, {"plugin": "memory"})
        ]


def tables(kernel):
    with kernel.storage.snapshot() as snapshot:
        return sorted(name for (name,) in snapshot.connection.execute("SELECT name FROM sqlite_master"))


def answer(kernel, query):
    return [(event.cmd, event.user, event.data, event.tags) for event in kernel.read(query)]


# --- values and names


@pytest.mark.parametrize("text", NASTY)
def test_sql_in_any_value_is_a_value(stores, text):
    before = tables(stores[0])
    for kernel in stores:
        kernel.append("other", {"note": "other"}, user="other", tags=["other"])
        event = kernel.append(
            text,
            {text: {text: text}},
            user=text,
            ip=text,
            metadata={text: text},
            tags=[text],
            key=text,
            correlation_id=text,
        )
        assert kernel.get(event.id) == event
        assert (event.cmd, event.user, event.ip, event.tags, event.key) == (text, text, text, (text,), text)
        assert event.data == {text: {text: text}}
        for query in (
            Query(cmd=text),
            Query(user=text),
            Query(tags=text),
            Query(correlation_id=text),
            Query(cmd=[text, "x"]),
        ):
            assert [found.id for found in kernel.read(query)] == [2]
            assert kernel.count(query) == 1
            assert kernel.page(query).events == [event]
        assert kernel.by_correlation(text) == [event]
        assert (
            kernel.append(text, {text: {text: text}}, user=text, ip=text, metadata={text: text}, tags=[text], key=text)
            == event
        )
        with pytest.raises(ConflictError):
            kernel.append("late", condition=Condition(Query(tags=text)))
        assert kernel.count() == 2
    assert tables(stores[0]) == before


@pytest.mark.parametrize("text", NASTY)
def test_sql_in_the_names_of_records_is_a_name(stores, text):
    for kernel in stores:
        with kernel.transaction() as transaction:
            transaction.state.put(text, text, {text: text})
            transaction.state.put("other", text, {})
            transaction.state.put(text, "other", {})
        with kernel.transaction() as transaction:
            assert transaction.state.get(text, text).value == {text: text}
            assert {record.name for record in transaction.state.list(text)} == {text, "other"}
            assert transaction.state.delete(text, text)
        with kernel.storage.snapshot() as snapshot:
            assert snapshot.state.get(text, text) is None
            assert snapshot.state.get("other", text) is not None


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(TEXTS, min_size=1, max_size=3), value=TEXTS | st.integers(-5, 5) | st.booleans() | st.none())
@example(parts=['a" || (SELECT 1) || "'], value="x")
@example(parts=["a') = 'x' OR ('1"], value="x")
@example(parts=["$", "**", "[0]", "#-1"], value=1)
def test_any_path_is_refused_or_answered_as_it_is_in_memory(stores, parts, value):
    path = ".".join(parts)
    try:
        query = Query(data={path: value})
    except InvalidQueryError:
        return
    keys = path.split(".")
    answers = []
    for kernel in stores:
        start = kernel.head()
        for kept in (value, "something else"):
            data = kept
            for key in reversed(keys):
                data = {key: data}
            kernel.append("nested", data)
        kernel.append("nested", {"a": value})
        answers.append([event.data for event in kernel.read(query, after=start)])
        assert kernel.count(query) >= 1
    assert answers[0] == answers[1]
    assert answers[0]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cmd=TEXTS, user=TEXTS, tags=st.lists(TEXTS, max_size=3), other=TEXTS)
def test_any_names_are_answered_as_they_are_in_memory(stores, cmd, user, tags, other):
    queries = [
        Query(cmd=[cmd, other]), Query(user=user), Query(user=other), Query(tags=[other]), Query(cmd=cmd, user=user),
        Query(cmd=other) | Query(user=user) | Query(tags=[*tags, other]),
    ]  # fmt: skip
    for kernel in stores:
        kernel.append(cmd, user=user, tags=tags)
        kernel.append(other, user=other, tags=[other])
    for query in queries:
        assert answer(stores[0], query) == answer(stores[1], query)


# --- profiles


@pytest.mark.parametrize(
    "indexing",
    [
        {"paths": {'x" ON event (id); DROP TABLE event; --': "data.a"}},
        {"paths": {"mine": 'data.a" || (SELECT 1) || "'}},
        {"paths": {"mine": "data.a\\"}},
        {"paths": {"mine": "event.cmd"}},
        {"indexes": ["cmd); DROP TABLE event; --"]},
        {"indexes": ["sqlite_master"]},
    ],
)
def test_sql_in_a_profile_is_refused(tmp_path, indexing):
    with pytest.raises(ProfileError):
        Kernel.from_profile(storage={"path": f"{tmp_path}/events.db"}, indexing=indexing)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "storage",
    [
        {"synchronous": "off; DROP TABLE event"},
        {"synchronous": "off"},
        {"page_size": "4096; PRAGMA writable_schema = ON"},
        {"cache_size": "1 --"},
        {"checkpoint_pages": -1},
        {"busy_timeout": float("nan")},
        {"journal_mode": "off"},
    ],
)
def test_settings_are_of_their_types_and_no_others(tmp_path, storage):
    with pytest.raises(ProfileError):
        Kernel.from_profile(storage={"path": f"{tmp_path}/events.db", **storage})


def test_a_path_is_a_file_and_no_uri(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Kernel.from_profile(storage={"path": "file:other.db?mode=memory"}) as kernel:
        kernel.append("one")
    assert [file.name for file in tmp_path.iterdir()] == ["file:other.db?mode=memory"]
    with pytest.raises(ProfileError):
        Kernel.from_profile(storage={"path": ":memory:"})


# --- nothing is executed

SOURCES = [
    path
    for package in ("eventlite", "eventlite_sqlite", "eventlite_memory", "eventlite_files", "eventlite_cache",
                    "eventlite_indexing", "eventlite_jobs")
    for path in Path(importlib.import_module(package).__file__).parent.rglob("*.py")
]  # fmt: skip
DANGEROUS_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "yaml", "jsonpickle"}
DANGEROUS_CALLS = {"eval", "exec", "compile", "__import__"}


def test_there_are_sources_to_look_at():
    assert len(SOURCES) > 80


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_source_unpickles_or_evaluates(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not DANGEROUS_MODULES & {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in DANGEROUS_MODULES
        if isinstance(node, ast.Call):
            assert getattr(node.func, "id", "") not in DANGEROUS_CALLS
            assert not any(keyword.arg == "shell" for keyword in node.keywords)
        if isinstance(node, ast.Attribute):
            assert ast.unparse(node) not in ("os.system", "os.popen")
            assert node.attr not in ("enable_load_extension", "load_extension")


def test_a_stored_pickle_is_text_and_stays_text(stores):
    payload = "cos\nsystem\n(S'touch /tmp/owned'\ntR."
    for kernel in stores:
        assert kernel.append("pickled", {"p": payload}).data == {"p": payload}
        kernel.cache.clear()
        assert kernel.get(1).data == {"p": payload}


# --- nothing private is told

SECRET = "4111-1111-1111-1111"


@pytest.mark.parametrize("profile", ["high-volume", "balanced"])
def test_payloads_are_neither_logged_nor_in_errors(tmp_path, caplog, profile):
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "events.db"
    told = []

    def tell(call):
        with pytest.raises(EventLiteError) as caught:
            call()
        told.append(str(caught.value))

    with Kernel.from_profile(profile, storage={"path": str(path)}) as kernel:
        event = kernel.append("paid", {"card": SECRET}, metadata={"card": SECRET}, key="k", tags=["order:1"])
        told += [repr(event), repr(kernel), repr(kernel.page()), repr(kernel.verify())]
        tell(lambda: kernel.append("paid", {"card": SECRET + "x"}, key="k"))
        tell(lambda: kernel.append("paid", {"card": SECRET}, condition=Condition(Query(tags="order:1"))))
        tell(lambda: kernel.append("paid", {"card": SECRET, "bad": float("nan")}))
        tell(lambda: kernel.append("paid", {"card": SECRET, "bad": object()}))
        tell(lambda: kernel.append("", {"card": SECRET}))
        tell(lambda: kernel.append_many([NewEvent("paid", {"card": SECRET}), NewEvent("paid", {"card": {SECRET}})]))
    content = path.read_bytes()
    path.write_bytes(content.replace(SECRET.encode(), b"4111-1111-1111-1112"))
    with Kernel.from_profile("balanced", storage={"path": str(path)}) as kernel:
        tell(lambda: kernel.get(1).data)
        told += [*kernel.verify().problems]
    path.write_bytes(content.replace(SECRET.encode(), SECRET.encode()[:-1] + b"\xff"))
    with Kernel.from_profile("balanced", storage={"path": str(path)}) as kernel:
        tell(lambda: kernel.get(1))
        told += [*kernel.verify().problems]
    assert len(told) > 10
    for text in [*told, caplog.text]:
        assert SECRET[:-1] not in text, text


def test_a_payload_of_a_gigabyte_is_refused_before_it_is_stored(stores):
    for kernel in stores:
        with pytest.raises(InvalidEventError, match="more than the"):
            kernel.append("huge", {"x": ["y" * 1_000_000] * 17})
        assert kernel.head() == 0


@pytest.mark.skipif(os.name == "nt", reason="there are no modes here")
def test_files_are_created_for_their_owner_only(tmp_path):
    usual = os.umask(0)
    try:
        with Kernel.from_profile(storage={"path": f"{tmp_path}/events.db"}) as kernel:
            kernel.append("one")
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(usual)
    assert modes == dict.fromkeys(["events.db", "events.db-wal", "events.db-shm"], 0o600)


def test_a_link_that_leads_nowhere_is_created_through_and_never_replaced(tmp_path):
    (tmp_path / "link.db").symlink_to(tmp_path / "real.db")
    try:
        with Kernel.from_profile(storage={"path": f"{tmp_path}/link.db"}) as kernel:
            kernel.append("one")
    except StorageError:
        assert not (tmp_path / "real.db").exists()
    assert (tmp_path / "link.db").is_symlink()
