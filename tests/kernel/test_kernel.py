"""The public surface of the kernel: what it promises, what it refuses, and how it is opened and closed."""

from __future__ import annotations

import datetime as dt
import gc
import itertools
import json
import subprocess
import sys
import warnings
from dataclasses import replace

import pytest
from eventlite_memory.storage import MemoryStorage
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import eventlite
from eventlite import Condition, Event, Kernel, NewEvent, Query
from eventlite.errors import (
    ConflictError,
    EventLiteError,
    InvalidEventError,
    InvalidQueryError,
    StoreClosedError,
    StoreNotFoundError,
)
from eventlite.event import MAX_ID

# --- what comes back is what went in

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=255)
TEXTS = st.text(st.characters(codec="utf-8"))
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(TEXTS, inside, max_size=4),
    max_leaves=20,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=5)
EVENTS = st.builds(
    NewEvent,
    cmd=NAMES,
    data=st.none() | OBJECTS,
    user=st.just("") | NAMES,
    ip=st.just("") | NAMES,
    version=st.integers(1, 2**31 - 1),
    metadata=st.none() | OBJECTS,
    tags=st.lists(NAMES, max_size=4),
    correlation_id=st.none() | NAMES,
)

FIELDS = (
    "id", "version", "datetime", "user", "ip", "cmd", "data",
    "correlation_id", "causation_id", "metadata", "tags", "key",
)  # fmt: skip


def fields(event):
    return {name: getattr(event, name) for name in FIELDS}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(events=st.lists(EVENTS, min_size=1, max_size=4))
def test_what_append_returns_equals_what_every_read_returns(sections, events):
    for new in events:
        new.cause = None
    with Kernel.from_profile(**sections) as kernel:
        stored = kernel.append_many(events)
        kernel.cache.clear()
        reads = [
            [kernel.get(event.id) for event in stored],
            list(kernel.read(after=stored[0].id - 1)),
            [event for batch in kernel.stream(after=stored[0].id - 1, batch_size=1) for event in batch],
            kernel.page(limit=len(stored), backwards=True).events[::-1],
        ]
        for read in reads:
            assert [fields(event) for event in read] == [fields(event) for event in stored]
        for event, new in zip(stored, events, strict=True):
            assert repr(event.data) == repr(new.data or {})
            assert repr(event.metadata) == repr(new.metadata or {})
            assert event.tags == tuple(dict.fromkeys(new.tags))
            assert (event.cmd, event.user, event.ip, event.version) == (new.cmd, new.user, new.ip, new.version)
            assert event in kernel.by_correlation(event.correlation_id)
            assert event in kernel.read(Query(cmd=event.cmd, correlation_id=event.correlation_id))
            json.dumps(event.to_dict())


def test_times_are_those_of_the_append(kernel):
    before = dt.datetime.now(dt.UTC)
    event = kernel.append("timed")
    assert before - dt.timedelta(seconds=1) <= event.datetime <= dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    assert event.datetime.tzinfo is dt.UTC


def test_ids_count_from_one_without_gaps_even_after_refusals(kernel):
    assert kernel.append("one").id == 1
    with pytest.raises(InvalidEventError):
        kernel.append("bad", {"x": float("nan")})
    with pytest.raises(ConflictError):
        kernel.append("late", condition=Condition(Query(cmd="one")))
    assert kernel.append("two").id == 2
    assert kernel.head() == kernel.count() == 2


def test_a_correlation_is_new_for_each_event_and_inherited_from_the_cause(kernel):
    one, other = kernel.append("a"), kernel.append("b")
    assert one.correlation_id != other.correlation_id
    child = kernel.append("c", cause=one.id)
    grandchild = kernel.append("d", cause=child, correlation_id="own")
    assert (child.correlation_id, child.causation_id) == (one.correlation_id, one.id)
    assert (grandchild.correlation_id, grandchild.causation_id) == ("own", child.id)
    assert kernel.by_correlation(one.correlation_id) == [one, child]
    assert kernel.lineage(grandchild.id) == [one, child, grandchild]
    assert kernel.children(child.id) == [grandchild]


def test_a_cause_must_exist(kernel):
    with pytest.raises(InvalidEventError, match="event 7, the cause of 'orphan', is not in the store"):
        kernel.append("orphan", cause=7)
    assert kernel.head() == 0


def test_the_events_of_a_batch_are_read_as_one(kernel):
    root = NewEvent("root")
    leaf = NewEvent("leaf", cause=root)
    stored = kernel.append_many(iter([root, leaf, NewEvent("leaf", cause=leaf)]))
    assert [event.causation_id for event in stored] == [None, 1, 2]
    assert len({event.correlation_id for event in stored}) == 1
    assert kernel.append_many([]) == []


# --- reading


@pytest.fixture
def numbered(kernel):
    kernel.append_many([NewEvent("odd" if n % 2 else "even", {"n": n}, tags=[f"mod3:{n % 3}"]) for n in range(1, 26)])
    return kernel


def ids(events):
    return [event.id for event in events]


def test_reads_end_at_the_head_as_of_the_call(numbered):
    reading, streaming = numbered.read(), numbered.stream(batch_size=10)
    first = next(iter(reading))
    numbered.append("later")
    assert [first.id, *ids(reading)] == list(range(1, 26))
    assert [event.id for batch in streaming for event in batch] == list(range(1, 26))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, range(1, 26)),
        ({"after": 20}, range(21, 26)),
        ({"before": 4}, range(1, 4)),
        ({"after": 5, "before": 9}, range(6, 9)),
        ({"limit": 3}, range(1, 4)),
        ({"limit": 0}, []),
        ({"backwards": True}, range(25, 0, -1)),
        ({"backwards": True, "limit": 2}, [25, 24]),
        ({"backwards": True, "after": 20, "before": 24}, [23, 22, 21]),
        ({"after": 25}, []),
        ({"after": 2**53}, []),
        ({"before": 0}, []),
        ({"after": 9, "before": 3}, []),
    ],
)
def test_reads_between_positions(numbered, arguments, expected):
    assert ids(numbered.read(**arguments)) == list(expected)


@pytest.mark.parametrize("size", [1, 4, 13, 25, 26, 1000])
def test_a_stream_comes_in_lists_of_the_asked_size(numbered, size):
    batches = list(numbered.stream(Query(), after=3, batch_size=size))
    assert [event.id for batch in batches for event in batch] == list(range(4, 26))
    assert all(len(batch) == size for batch in batches[:-1])
    assert 0 < len(batches[-1]) <= size


def test_queries_combine(numbered):
    assert ids(numbered.read(Query(cmd="odd", tags="mod3:0"))) == [3, 9, 15, 21]
    assert ids(numbered.read(Query(cmd=["odd", "even"], data={"n": 7}))) == [7]
    assert ids(numbered.read(Query(data={"n": 7}) | Query(tags=["mod3:1"], cmd="even"))) == [4, 7, 10, 16, 22]
    assert numbered.count(Query(cmd="odd")) == 13
    assert numbered.count() == 25


def test_an_unknown_id_or_correlation_is_nothing(kernel):
    assert kernel.get(1) is None
    assert kernel.by_correlation("unknown") == []
    assert kernel.children(1) == []
    assert kernel.lineage(1) == []
    assert list(kernel.read()) == []
    assert list(kernel.stream()) == []
    assert kernel.head() == kernel.count() == 0


@pytest.mark.parametrize("id", [0, -1, MAX_ID, MAX_ID + 1, 2**63, 10**30])
def test_an_id_that_cannot_be_is_nothing_too(kernel, id):
    kernel.append("one")
    assert kernel.get(id) is None
    assert kernel.lineage(id) == []


@pytest.mark.parametrize("value", ["1", 1.0, None, True, [1]])
def test_an_id_is_an_int(kernel, value):
    for ask in (kernel.get, kernel.children, kernel.lineage):
        with pytest.raises(InvalidQueryError):
            ask(value)


def test_an_event_for_an_id_is_told_to_give_its_id(kernel):
    with pytest.raises(InvalidQueryError, match=r"event\.id"):
        kernel.children(kernel.append("x"))


REFUSED_READS = {
    "a query of another kind": lambda kernel: list(kernel.read("cmd")),
    "a negative after": lambda kernel: list(kernel.read(after=-1)),
    "an after beyond all ids": lambda kernel: list(kernel.read(after=2**60)),
    "an after that is no int": lambda kernel: list(kernel.read(after="1")),
    "a before that is no int": lambda kernel: list(kernel.read(before=1.5)),
    "a negative limit": lambda kernel: list(kernel.read(limit=-1)),
    "a limit beyond all ids": lambda kernel: list(kernel.read(limit=10**30)),
    "a bool for a limit": lambda kernel: list(kernel.read(limit=True)),
    "a batch of nothing": lambda kernel: list(kernel.stream(batch_size=0)),
    "a batch of everything": lambda kernel: list(kernel.stream(batch_size=10**30)),
    "a count of another kind": lambda kernel: kernel.count("cmd"),
    "a correlation of another kind": lambda kernel: kernel.by_correlation(7),
    "a page of nothing": lambda kernel: kernel.page(limit=0),
    "a page of everything": lambda kernel: kernel.page(limit=10**30),
    "a negative offset": lambda kernel: kernel.page(offset=-1),
}


@pytest.mark.parametrize("name", REFUSED_READS)
def test_what_cannot_be_asked_is_refused_with_a_typed_error(numbered, name):
    with pytest.raises(InvalidQueryError):
        REFUSED_READS[name](numbered)


REFUSED_APPENDS = {
    "no command": lambda kernel: kernel.append(""),
    "a command that is no text": lambda kernel: kernel.append(7),
    "data that is no dict": lambda kernel: kernel.append("x", [1]),
    "an unknown type": lambda kernel: kernel.append("x", {"a": object()}),
    "one text for tags": lambda kernel: kernel.append("x", tags="user:1"),
    "an empty key": lambda kernel: kernel.append("x", key=""),
    "a cause of another kind": lambda kernel: kernel.append("x", cause="1"),
    "version zero": lambda kernel: kernel.append("x", version=0),
    "a batch of other things": lambda kernel: kernel.append_many([{"cmd": "x"}]),
    "a batch that is none": lambda kernel: kernel.append_many(7),
    "a cause of another batch": lambda kernel: kernel.append_many([NewEvent("x", cause=NewEvent("y"))]),
    "two events of one key": lambda kernel: kernel.append_many([NewEvent("x", key="k"), NewEvent("y", key="k")]),
    "a bulk that is none": lambda kernel: kernel.append_bulk(7),
    "a bulk of other things": lambda kernel: kernel.append_bulk([7]),
}


@pytest.mark.parametrize("name", REFUSED_APPENDS)
def test_what_cannot_be_stored_is_refused_with_a_typed_error_and_nothing_is_stored(kernel, name):
    with pytest.raises(InvalidEventError):
        REFUSED_APPENDS[name](kernel)
    assert kernel.head() == 0


def test_a_condition_of_another_kind_is_refused(kernel):
    with pytest.raises(InvalidQueryError, match="Condition"):
        kernel.append("x", condition=Query(cmd="x"))
    with pytest.raises(InvalidQueryError, match="Query"):
        Condition("x", after=0)


# --- bulk


def test_a_bulk_append_takes_an_iterator_and_reports(kernel):
    report = kernel.append_bulk((NewEvent("n", {"n": n}) for n in range(2500)), batch_size=1000)
    assert (report.count, report.first_id, report.last_id) == (2500, 1, 2500)
    assert [event.data["n"] for event in kernel.read()] == list(range(2500))
    assert kernel.append_bulk([]).count == 0


def test_a_bulk_append_keeps_to_what_the_storage_takes_at_most(monkeypatch):
    monkeypatch.setattr(MemoryStorage, "capabilities", replace(MemoryStorage.capabilities, max_batch=3))
    with Kernel.from_profile(storage={"plugin": "memory"}) as kernel:
        assert kernel.append_bulk(NewEvent("n") for _ in range(7)).count == 7


def test_an_iterator_that_raises_leaves_the_batches_before_it(kernel):
    def events():
        yield from (NewEvent("n") for _ in range(25))
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke") as caught:
        kernel.append_bulk(events(), batch_size=10)
    assert caught.value.report.count == kernel.head() == 20


def test_a_bulk_append_takes_causes_from_earlier_batches(kernel):
    roots = [NewEvent("root") for _ in range(5)]
    kernel.append_bulk([*roots, *(NewEvent("leaf", cause=root) for root in roots)], batch_size=2)
    leaves = list(kernel.read(Query(cmd="leaf")))
    assert [leaf.causation_id for leaf in leaves] == [1, 2, 3, 4, 5]
    assert [leaf.correlation_id for leaf in leaves] == [root.correlation_id for root in kernel.read(Query(cmd="root"))]


def test_causes_of_earlier_batches_may_have_been_there_before(kernel):
    for key in "ba":
        kernel.append("root", key=key)
    roots = [NewEvent("root", key=key) for key in "ab"]
    kernel.append_bulk([*roots, *(NewEvent("leaf", cause=root) for root in roots)], batch_size=2)
    assert [leaf.causation_id for leaf in kernel.read(Query(cmd="leaf"))] == [2, 1]


def test_a_bulk_append_knows_only_so_many_events_before_a_batch(kernel, monkeypatch):
    monkeypatch.setattr("eventlite.earlier.REMEMBERED", 4)
    root, others = NewEvent("root"), [NewEvent("other") for _ in range(4)]
    leaf = NewEvent("leaf", cause=root)
    assert kernel.append_bulk([root, *others[:3], leaf], batch_size=1).count == 5
    with pytest.raises(InvalidEventError, match="does not come earlier") as caught:
        kernel.append_bulk([root, *others, leaf], batch_size=1)
    assert "append_bulk also knows" in caught.value.hint
    assert caught.value.report.count == 5


# --- opening and closing


def test_a_closed_kernel_refuses_everything_and_closes_again(sections):
    kernel = Kernel.from_profile(**sections)
    kernel.append("one")
    kernel.close()
    kernel.close()
    calls = [
        lambda: kernel.append("x"),
        lambda: kernel.append_many([NewEvent("x")]),
        lambda: kernel.append_bulk([NewEvent("x")]),
        lambda: kernel.get(1),
        lambda: kernel.by_correlation("c"),
        lambda: list(kernel.read()),
        lambda: list(kernel.stream()),
        lambda: kernel.page(),
        kernel.count,
        kernel.head,
        kernel.verify,
        kernel.run_until_idle,
        lambda: kernel.transaction().__enter__(),
        kernel.__enter__,
    ]
    for call in calls:
        with pytest.raises(StoreClosedError):
            call()


def test_the_components_of_a_closed_kernel_in_memory_refuse_too():
    kernel = Kernel.from_profile(storage={"plugin": "memory"}, jobs={"plugin": "threads"})
    id = kernel.jobs.enqueue("x")
    kernel.close()
    jobs = kernel.jobs
    calls = [kernel.indexes.active, kernel.indexes.apply, jobs.list, jobs.stats]
    for call in [*calls, *(lambda call=call: call(id) for call in (jobs.get, jobs.retry, jobs.cancel))]:
        with pytest.raises(StoreClosedError):
            call()


def test_a_kernel_left_open_says_so_and_closes(tmp_path):
    kernel = Kernel.from_profile(storage={"path": f"{tmp_path}/events.db"})
    kernel.append("one")
    with pytest.warns(ResourceWarning, match="Kernel balanced.*was never closed"):
        del kernel
        gc.collect()
    with Kernel.from_profile(storage={"path": f"{tmp_path}/events.db"}) as again:
        assert again.head() == 1
    assert [file.name for file in tmp_path.iterdir()] == ["events.db"]


def test_a_kernel_that_could_not_be_opened_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(StoreNotFoundError):
            Kernel.from_profile(storage={"path": f"{tmp_path}/events.db"}, create=False)
        gc.collect()


def test_an_exception_in_the_block_passes_and_the_kernel_is_closed(sections):
    with pytest.raises(ZeroDivisionError), Kernel.from_profile(**sections) as kernel:
        1 / 0  # noqa: B018
    with pytest.raises(StoreClosedError):
        kernel.head()


def test_events_outlive_their_kernel(sections):
    with Kernel.from_profile(**sections) as kernel:
        events = [kernel.append("one", {"n": 1}), *kernel.read()]
    assert [event.data for event in events] == [{"n": 1}, {"n": 1}]


def test_the_five_components_are_there(kernel):
    for name in ("storage", "indexes", "cache", "bulk", "jobs"):
        assert getattr(kernel, name) is not None
    assert kernel.cache.stats().max_size == 1000


def test_the_names_of_the_package():
    kernels, values = {"AsyncKernel", "Kernel"}, {"Condition", "Event", "NewEvent", "Query"}
    errors = {"ConflictError", "EventLiteError", "InvalidEventError", "PluginError", "ProfileError"}
    assert kernels | values | errors <= set(eventlite.__all__)
    assert all(hasattr(eventlite, name) for name in eventlite.__all__)


def test_importing_the_names_imports_no_heavy_library():
    script = """
import sys
from eventlite import Condition, Event, EventLiteError, Kernel, NewEvent, Query
heavy = {"pydantic", "pydantic_settings", "click", "rich", "dogpile", "sqlite_utils", "asyncio"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# --- transactions


def test_a_transaction_is_stored_as_a_whole_or_not_at_all(sections):
    with Kernel.from_profile(**sections) as kernel:
        with pytest.raises(RuntimeError, match="undo"), kernel.transaction() as transaction:
            transaction.append(kernel.prepare([NewEvent("undone")]))
            assert transaction.head() == 1
            transaction.state.put("space", "name", {"n": 1})
            raise RuntimeError("undo")
        assert kernel.head() == 0
        with kernel.transaction() as transaction:
            transaction.append(kernel.prepare([NewEvent("done")]))
            assert transaction.state.put("space", "name", {"n": 2}) == 1
        assert [event.cmd for event in kernel.read()] == ["done"]
        with kernel.storage.snapshot() as snapshot:
            assert snapshot.state.get("space", "name").value == {"n": 2}


def test_an_append_inside_its_own_transaction_is_an_error_and_not_a_deadlock(sections):
    with Kernel.from_profile(**sections) as kernel:
        with pytest.raises(EventLiteError, match="inside a transaction"), kernel.transaction():
            kernel.append("inside")
        assert kernel.append("outside").id == 1


# --- equality


def test_events_are_values(kernel):
    event = kernel.append("one", {"n": 1})
    again = next(iter(kernel.read()))
    assert event == again
    assert len({event, again}) == 1
    assert isinstance(event, Event)
    for one, other in itertools.permutations([event, kernel.append("one", {"n": 1})], 2):
        assert one != other
