"""Old events, read as the newest version, wherever they are read."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlite import CorruptionError, Event, Kernel, NewEvent, Query, UpcastError
from eventlite.sourcing.upcasting import Stranded, Upcasters


def named(data: dict[str, Any]) -> dict[str, Any]:
    """Version 2 has two names."""
    first, _, last = data.pop("name").partition(" ")
    return {**data, "first": first, "last": last}


def spoken(data: dict[str, Any]) -> dict[str, Any]:
    """Version 3 knows a language."""
    return {**data, "language": "en"}


ADA = {"first": "Ada", "last": "Lovelace", "language": "en"}


@pytest.fixture
def lifting(kernel: Any) -> Any:
    kernel.append("signedUp", {"name": "Ada Lovelace"}, tags=["user:1"], correlation_id="c", metadata={"m": 1})
    kernel.append("signedUp", {"first": "Ada", "last": "Lovelace"}, version=2, tags=["user:1"], correlation_id="c")
    kernel.append("signedUp", ADA, version=3, tags=["user:1"], correlation_id="c")
    kernel.append("other", {"name": "Ada Lovelace"})
    kernel.upcast("signedUp", 1, named)
    kernel.upcast("signedUp", 2, spoken)
    return kernel


def all_new(events: Any) -> bool:
    found = [event for event in events if event.cmd == "signedUp"]
    assert len(found) == 3
    return all((event.version, event.data) == (3, ADA) for event in found)


def test_every_read_lifts_step_by_step(lifting: Any) -> None:
    query = Query(cmd="signedUp")
    assert all_new([lifting.get(id) for id in (1, 2, 3)])
    assert all_new([lifting.get(id) for id in (1, 2, 3)])  # from the cache
    assert all_new(lifting.by_correlation("c")) and all_new(lifting.by_correlation("c"))
    assert all_new(lifting.read(query)) and all_new(lifting.read(query, backwards=True))
    assert all_new(event for batch in lifting.stream(query) for event in batch)
    assert all_new(lifting.page(query).events) and all_new(lifting.page(query).events)
    seen: list[Event] = []
    lifting.process(query, seen.extend)
    assert all_new(seen)
    assert lifting.get(4).data == {"name": "Ada Lovelace"}


def test_triggers_and_what_append_returns_are_lifted(lifting: Any) -> None:
    mapped: list[Any] = []
    lifting.jobs.worker("greet")(lambda job: mapped.append(job.data))
    lifting.jobs.on_event("signedUp", "greet", lambda event: {"to": event.data["first"]}, after=0)
    stored = lifting.append("signedUp", {"name": "Bo Li"})
    assert (stored.version, stored.data) == (3, {"first": "Bo", "last": "Li", "language": "en"})
    assert stored == lifting.get(stored.id) and stored.data == lifting.get(stored.id).data
    lifting.run_until_idle()
    assert sorted(data["to"] for data in mapped) == ["Ada", "Ada", "Ada", "Bo"]


def test_lineage_and_children_are_lifted(lifting: Any) -> None:
    child = lifting.append("signedUp", {"name": "Ada Lovelace"}, cause=1)
    assert lifting.children(1)[0].data == ADA
    assert [event.version for event in lifting.lineage(child.id)] == [3, 3]


def test_what_is_stored_stays_and_queries_ask_for_it(lifting: Any) -> None:
    event = lifting.get(1)
    assert event.row[1] == 1 and event.row[6] == '{"name":"Ada Lovelace"}'
    assert event == Event(event.row) and hash(event) == hash(Event(event.row))
    assert repr(event).startswith("<Event 1 signedUp 20") and repr(event).endswith("version 1 lifted to 3>")
    assert event.metadata == {"m": 1} and event.to_dict()["data"] == ADA and event.to_dict()["version"] == 3
    assert [event.id for event in lifting.read(Query(version=1, cmd="signedUp"))] == [1]


def test_a_lifted_event_is_pickled_with_its_data(lifting: Any) -> None:
    copy = pickle.loads(pickle.dumps(lifting.get(1)))
    assert (copy.version, copy.data, copy) == (3, ADA, lifting.get(1))


def test_nothing_runs_before_the_data_is_touched_and_once_then(kernel: Any) -> None:
    calls: list[Any] = []
    kernel.append("a", {"n": [1]})
    kernel.upcast("a", 1, lambda data: calls.append(data) or data)
    event = kernel.get(1)
    assert (event.version, event.cmd, calls) == (2, "a", [])
    event.data["n"].append(2)
    assert event.data == {"n": [1, 2]} and len(calls) == 1
    assert kernel.get(1).data == {"n": [1]}


def test_what_an_upcaster_returns_is_shared_with_nobody(kernel: Any) -> None:
    shared: dict[str, Any] = {"list": []}
    kernel.append_many([NewEvent("a"), NewEvent("a")])
    kernel.upcast("a", 1, lambda data: shared)
    first, second = kernel.read()
    first.data["list"].append(1)
    assert second.data == {"list": []} == shared


def test_an_upcaster_may_leap(kernel: Any) -> None:
    kernel.append("a", version=2)
    kernel.upcast("a", 2, lambda data: {"x": 1}, to_version=7)
    assert (kernel.get(1).version, kernel.get(1).data) == (7, {"x": 1})


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda data: data["amount"], "raised KeyError: 'amount'"),
        (lambda data: None, "returned None instead of a dict"),
        (lambda data: {"x": {1}}, "no JSON object"),
        (lambda data: {"x": float("nan")}, "no JSON object"),
    ],
)
def test_an_upcaster_that_fails_is_named_with_its_event(kernel: Any, function: Any, words: str) -> None:
    kernel.append("a")
    kernel.upcast("a", 1, function)
    event = kernel.get(1)
    for _ in range(2):
        with pytest.raises(UpcastError, match=words) as raised:
            event.data  # noqa: B018
    assert raised.value.position == 1
    assert "'a' from version 1 to 2" in str(raised.value) and "event 1" in str(raised.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("", 1, named), "needs a command"),
        (("a", 0, named), "a version is an int"),
        (("a", True, named), "a version is an int"),
        (("a", 1, "named"), "is a function"),
        (("a", 2, named, 2), "not newer"),
        (("known", 1, named), "already"),
    ],
)
def test_an_upcaster_that_cannot_be_is_refused(arguments: tuple[Any, ...], words: str) -> None:
    upcasters = Upcasters()
    upcasters.add("known", 1, named)
    with pytest.raises(UpcastError, match=words):
        upcasters.add(*arguments)


def test_damage_is_found_before_an_upcaster_runs(tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with Kernel.from_profile(storage={"path": str(path)}) as kernel:
        kernel.append("signedUp", {"name": "Ada Lovelace"})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE event SET data = ?", ('{"name":"Eve Lovelace"}',))
    connection.close()
    with Kernel.from_profile(storage={"path": str(path)}) as kernel:
        kernel.upcast("signedUp", 1, named)
        with pytest.raises(CorruptionError):
            kernel.get(1).data  # noqa: B018


@given(st.sets(st.integers(1, 9)), st.integers(1, 10))
def test_a_path_goes_on_as_long_as_there_are_steps(steps: set[int], version: int) -> None:
    upcasters = Upcasters()
    for step in steps:
        upcasters.add("a", step, lambda data: data)
    expected = version
    while expected in steps:
        expected += 1
    assert upcasters.reaches("a", version) == expected


def test_versions_without_a_path_to_the_newest_are_found(kernel: Any) -> None:
    raw = getattr(kernel, "kernel", kernel)
    assert raw.upcasters.stranded(raw.storage) == []
    kernel.append_many([NewEvent("a"), NewEvent("a", version=2), NewEvent("a", version=4), NewEvent("b")])
    kernel.append_many([NewEvent("c", version=2), NewEvent("c", version=2)])
    assert raw.upcasters.stranded(raw.storage) == [Stranded("a", 1, 1, 4, 1), Stranded("a", 2, 2, 4, 1)]
    kernel.upcast("a", 1, named)
    kernel.upcast("a", 2, named)
    kernel.upcast("c", 1, named)
    kernel.upcast("c", 3, named)  # none leads there from version 2
    assert raw.upcasters.stranded(raw.storage) == [
        Stranded("a", 1, 3, 4, 1), Stranded("a", 2, 3, 4, 1), Stranded("c", 2, 2, 4, 2),
    ]  # fmt: skip
    kernel.upcast("a", 3, named)
    kernel.upcast("c", 2, named)
    assert raw.upcasters.stranded(raw.storage) == []


def test_an_export_may_write_events_as_they_are_lifted(lifting: Any, tmp_path: Path) -> None:
    plain = lifting.export_file(tmp_path / "old.jsonl")
    lifted = lifting.export_file(tmp_path / "new.jsonl", upcast=True)
    assert plain.digest != lifted.digest
    with Kernel.from_profile(storage={"plugin": "memory"}) as other:
        assert other.import_file(tmp_path / "new.jsonl").digest == lifted.digest
        assert all_new(other.read())
        assert other.verify().digest == lifted.digest and not other.verify().problems
        assert [event.row[:1] + event.row[2:6] for event in other.read()] == [
            event.row[:1] + event.row[2:6] for event in lifting.read()
        ]
