"""The whole matrix in a tiny form: that everything runs, under every kind of storage, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from eventlite import EventLiteError, Kernel, PluginError, Query
from eventlite.bench import Scale, Stage
from eventlite.bench.events import COMMANDS, PER_CORRELATION, RARE_COMMAND, made_up_events
from eventlite.bench.matrix import UnknownWorkloadError, run_matrix
from eventlite.bench.results import Results
from eventlite.bench.workloads import BUILTIN

TINY = Scale(events=250, rounds=1)

PROMISED = {
    *("append", "append-threads", "append-tasks", "append-many", "append-tagged", "bulk", "get", "get-cached"),
    *("correlation", "tagged", "page-first", "page-deep", "stream", "follow", "query", "count", "import", "export"),
    *("jobs-enqueue", "jobs-run-1", "jobs-run-8", "jobs-run-32"),
}

GROWTH = {"growth-append", "growth-get", "growth-correlation", "growth-page-deep"}

RENAMING = """
from eventlite import hookimpl
from eventlite.bench import Workload, timed
CONTRACT = 1

def rename(stage):
    with stage.fresh() as kernel:
        while True:
            yield timed(lambda events: len(kernel.append_many(events)), stage.events(5))

@hookimpl
def eventlite_workloads():
    return [Workload("NAME", "renames", "five at once", rename)]
"""

KEEPER = """
import dataclasses
from eventlite import hookimpl
from eventlite_memory.settings import Settings
from eventlite_memory.storage import MemoryStorage
CONTRACT = 1

class Kept(MemoryStorage):
    capabilities = dataclasses.replace(MemoryStorage.capabilities, persistent=True)
    def close(self):
        pass

store = Kept()

@hookimpl
def eventlite_make_storage(settings):
    return store
"""


def quiet(what: str, number: int, total: int) -> None:
    """Tell nobody."""


def measure(profiles: list[str], chosen: list[str], disk: Path) -> Results:
    return run_matrix(profiles, chosen, TINY, disk, quiet)


def test_every_promised_workload_is_there() -> None:
    assert set(BUILTIN) >= PROMISED
    assert all(workload.summary and workload.unit.endswith("s") for workload in BUILTIN.values())


def test_made_up_events_fill_every_field_and_belong_together_by_ten() -> None:
    events = list(islice(made_up_events(), 2_000))
    assert all((event.cmd, event.data, event.user, event.ip, event.metadata, event.correlation_id) for event in events)
    assert len({event.correlation_id for event in events}) == len(events) / PER_CORRELATION
    assert {event.cmd for event in events} == {*COMMANDS, RARE_COMMAND}


def test_a_filled_store_has_as_many_events_as_asked_for_at_growing_times(disk: Path) -> None:
    with Stage("high-volume", disk, TINY) as stage:
        kernel = stage.filled.kernel
        times = [event.datetime for event in kernel.read()]
        assert kernel.count() == len(times) == 250
        assert times == sorted(times)
        assert len(set(times)) == 3
        stage.filled.fill(400)
        assert kernel.count() == 400


def test_what_is_asked_is_there_to_be_found(disk: Path) -> None:
    from eventlite.bench.reading import user_at_time

    with Stage("high-volume", disk, Scale(2_000, 1)) as stage:
        kernel = stage.filled.kernel
        assert kernel.count(Query(cmd=RARE_COMMAND)) == 1
        assert all(list(kernel.read(asked)) for asked in user_at_time(stage.filled, 5))


def test_the_whole_matrix_runs_under_a_durable_profile(disk: Path) -> None:
    results = measure(["balanced"], [], disk)
    assert {one.workload for one in results.figures} == set(BUILTIN)
    assert results.left_out == []
    assert all(one.median > 0 and len(one.rates) == 1 for one in results.figures)
    index_cost, *growth = results.curves
    assert (index_cost.name, [x for x, _ in index_cost.points]) == ("index-cost", list(range(9)))
    assert {curve.name for curve in growth} == GROWTH
    assert list(disk.rglob("store*")) == []


def test_a_storage_without_a_path_joins(disk: Path, in_memory: str) -> None:
    results = measure([in_memory], [], disk)
    assert {one.workload for one in results.figures} == set(BUILTIN) - {"get-cached", "project-sql"}
    assert {one.workload: one.reason for one in results.left_out} == {
        "get-cached": "its profile caches nothing",
        "project-sql": "its storage has no SQL",
    }
    assert {curve.name for curve in results.curves} == GROWTH  # it has no indexes


def test_results_say_what_was_measured(disk: Path) -> None:
    [balanced, high_volume] = measure(["balanced", "high-volume"], ["append"], disk).contestants
    assert (balanced.facts["synchronous"], high_volume.facts["synchronous"]) == ("full", "normal")
    assert balanced.indexes == sorted(["correlation_id", "causation_id", "cmd", "datetime"])
    assert (balanced.cache, high_volume.cache) == (1000, 0)
    assert "power cut" in balanced.durability
    assert "path" not in balanced.facts


def test_two_profiles_of_one_name_are_told_apart(disk: Path, in_memory: str, tmp_path: Path) -> None:
    twin = tmp_path / "twin.toml"
    twin.write_text(Path(in_memory).read_text(encoding="utf-8"), encoding="utf-8")
    results = measure([in_memory, str(twin)], ["count"], disk)
    assert [one.contestant for one in results.figures] == ["in-memory", f"in-memory ({twin})"]


def test_a_workload_of_an_extension_joins(disk: Path, install: Callable[..., None], tmp_path: Path) -> None:
    install("renaming", "extensions", RENAMING.replace("NAME", "rename"))
    profile = tmp_path / "extended.toml"
    profile.write_text('[profile]\nextends = "high-volume"\nextensions = ["renaming"]\n', encoding="utf-8")
    results = measure([str(profile), "high-volume"], ["rename"], disk)
    assert [(one.contestant, one.unit) for one in results.figures] == [("extended", "renames")]
    assert [(one.contestant, "extension" in one.reason) for one in results.left_out] == [("high-volume", True)]


def test_a_workload_cannot_take_the_name_of_another(disk: Path, install: Callable[..., None], tmp_path: Path) -> None:
    install("usurping", "extensions", RENAMING.replace("NAME", "append"))
    profile = tmp_path / "extended.toml"
    profile.write_text('[profile]\nextends = "high-volume"\nextensions = ["usurping"]\n', encoding="utf-8")
    with pytest.raises(PluginError, match="two workloads are called 'append'"):
        measure([str(profile)], ["append"], disk)


def test_a_store_in_use_is_left_alone(disk: Path, install: Callable[..., None], in_memory: str, tmp_path: Path) -> None:
    install("keeper", "storage", KEEPER)
    profile = tmp_path / "kept.toml"
    profile.write_text(Path(in_memory).read_text(encoding="utf-8").replace('"memory"', '"keeper"'), encoding="utf-8")
    assert measure([str(profile)], ["import"], disk).figures  # empty: its own events are welcome to stay
    with Kernel.from_profile(str(profile)) as kernel:
        head = kernel.append("mine").id
    with pytest.raises(EventLiteError, match="has events, and the benchmark would add its own"):
        measure([str(profile)], ["append"], disk)
    with Kernel.from_profile(str(profile)) as kernel:
        assert kernel.head() == head


def test_an_unknown_workload_is_refused_before_anything_is_measured(disk: Path) -> None:
    with pytest.raises(UnknownWorkloadError, match="there is no workload 'apend'") as refusal:
        measure(["high-volume"], ["append", "apend"], disk)
    assert "append-tasks" in str(refusal.value.hint)
