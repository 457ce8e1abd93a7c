"""Imports that stop and go on, and what happens to the store meanwhile."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from eventlite_files import Settings, cursor, eventlite_formats, eventlite_make_bulk
from eventlite_files.cursor import NAMESPACE, Journal, begun
from eventlite_files.identities import Identities
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlite import BulkError, Event, NewEvent, Query
from eventlite.contracts import BulkReport, Host, ImportOptions
from eventlite.testing.bulk_base import SuiteFormat
from eventlite.testing.host import StorageHost, open_storage

MOMENT = "2026-01-31T12:00:00Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.suite"


def write(path: Path, records: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def run(host: Host, path: Path, stop_at: int | None = None, **options: Any) -> BulkReport:
    bulk = eventlite_make_bulk(Settings(formats=["suite", "csv"]), [*eventlite_formats(), SuiteFormat(stop_at)])
    return bulk.import_file(host, path, ImportOptions(**options))


def stop(host: Host, path: Path, at: int, **options: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(host, path, at, **options)


def events(host: Host) -> list[Event]:
    return list(map(Event, host.storage.read(Query(), limit=1000)))


def cursors(host: Host) -> int:
    with host.storage.snapshot() as snapshot:
        return sum(len(snapshot.state.list(namespace)) for namespace in (NAMESPACE, "imports.ids"))


RECORD = st.fixed_dictionaries(
    {"gap": st.integers(1, 3), "back": st.integers(0, 4), "key": st.sampled_from([None, None, "k1", "k2", "mine"])}
    | {"correlation_id": st.sampled_from([None, "c"])}
)


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORD, max_size=12), st.lists(st.tuples(st.integers(1, 12), st.integers(1, 5)), max_size=4), st.data())
def test_an_import_in_pieces_is_the_same_as_one_at_once(
    steps: list[dict[str, Any]], stops: list[tuple[int, int]], data: st.DataObject
) -> None:
    renumber, ids = data.draw(st.booleans()), [0]
    records = []
    for step in steps:
        ids.append(ids[-1] + step["gap"])
        cause = max(0, ids[-1] - step["back"]) or None
        values = {"key": step["key"], "correlation_id": step["correlation_id"], "datetime": MOMENT}
        records.append({"id": ids[-1], "cmd": f"c{ids[-1]}", "causation_id": cause, **values})
    options = {"append": renumber, "on_conflict": "skip"}
    with tempfile.TemporaryDirectory() as folder, closing(open_storage()) as first, closing(open_storage()) as second:
        path = Path(folder, "log.suite")
        write(path, records)
        hosts = [StorageHost(first), StorageHost(second)]
        for host in hosts:
            if renumber:
                host.append_many([NewEvent("mine", key="mine", correlation_id="c"), NewEvent("mine")])
        for at, size in stops:
            if at <= len(records):
                stop(hosts[1], path, at, batch_size=size, **options)
        at_once = run(hosts[0], path, **options)
        in_pieces = run(hosts[1], path, batch_size=2, **options)
        assert cursors(hosts[0]) == cursors(hosts[1]) == 0
        assert shapes(events(hosts[0])) == shapes(events(hosts[1]))
        if all(record["correlation_id"] for record in records):
            assert (at_once.digest, at_once.stored_digest) == (in_pieces.digest, in_pieces.stored_digest)


def shapes(found: list[Event]) -> list[tuple[Any, ...]]:
    """The events, with correlations that were made up replaced by the first event that has them."""
    first: dict[str, int] = {}
    return [
        (event.id, event.cmd, event.causation_id, event.key, first.setdefault(event.correlation_id, event.id))
        for event in found
    ]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(-2, 3), st.booleans())))
def test_identities_remember_every_id(steps: list[tuple[int, int, bool]]) -> None:
    identities, expected, old, new = Identities(), {}, 0, 100
    for gap, move, known in steps:
        old, new = old + gap, new + move
        identities.add(old, new, known)
        expected[old] = (new, known)
    assert {id: identities.find(id) for id in range(old + 2)} == {id: expected.get(id) for id in range(old + 2)}


def test_ids_without_gaps_are_one_run() -> None:
    identities = Identities()
    for id in range(1, 1000):
        identities.add(id, id + 7, False)
    assert len(identities) == 1


@given(st.lists(st.lists(st.integers(1, 2), max_size=9), max_size=5), st.integers(1, 3))
def test_a_journal_is_found_again_as_it_was(batches: list[list[int]], chunk: int) -> None:
    with closing(open_storage()) as storage, pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor, "_CHUNK", chunk)
        host, path, old = StorageHost(storage), Path("log.jsonl"), 0
        journal = Journal(begun(path, "jsonl", ImportOptions(), renumber=True))
        assert Journal.found(host, path) is None
        for batch in batches:
            for gap in batch:
                old += gap
                journal.identities.add(old, old * 2 - gap, False)
            with storage.transaction() as tx:
                journal.save(tx.state)
            found = Journal.found(host, path)
            assert found is not None
            assert found.cursor == journal.cursor
            assert found.identities.since(0) == journal.identities.since(0)
            journal = found
        if batches:
            with storage.transaction() as tx:
                journal.forget(tx.state)
        assert cursors(host) == 0


def test_an_unfinished_import_is_gone_on_with_only_in_the_same_way(host: Host, path: Path) -> None:
    write(path, [{"cmd": f"c{n}", "datetime": MOMENT} for n in range(9)])
    stop(host, path, 7, batch_size=3)
    for options, reason in (
        ({"mapping": {"cmd": "cmd"}}, "another format or mapping"),
        ({"format": "csv"}, "another format or mapping"),
        ({"atomic": True}, "all or nothing"),
    ):
        with pytest.raises(BulkError, match=rf"record 3 .*{reason}"):
            run(host, path, **options)
    assert run(host, path).resumed == 3


def test_restart_forgets_only_when_it_can_go_on(host: Host, path: Path) -> None:
    write(path, [{"cmd": f"c{n}"} for n in range(9)])
    stop(host, path, 7, batch_size=3)
    with pytest.raises(BulkError, match="has events"):
        run(host, path, restart=True)
    assert cursors(host) == 1
    assert run(host, path, restart=True, append=True).count == 9
    assert (len(events(host)), cursors(host)) == (12, 0)


def test_a_file_that_became_shorter_is_another_one(host: Host, path: Path) -> None:
    records = [{"cmd": f"c{n}", "datetime": MOMENT} for n in range(9)]
    write(path, records)
    stop(host, path, 8, batch_size=3)
    write(path, records[:4])
    with pytest.raises(BulkError, match="not the file any more of which 6 records"):
        run(host, path)
    write(path, [*records, {"cmd": "more"}])
    assert run(host, path).count == 4


def test_a_file_is_known_however_it_is_named(
    host: Host, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, [{"cmd": f"c{n}", "datetime": MOMENT} for n in range(9)])
    stop(host, path, 8, batch_size=3)
    monkeypatch.chdir(tmp_path)
    assert run(host, Path("log.suite")).resumed == 6


def test_rejected_records_are_all_in_the_file_after_going_on(host: Host, path: Path, tmp_path: Path) -> None:
    write(path, [{"cmd": f"c{n}" if n % 3 else "", "datetime": MOMENT} for n in range(12)])
    stop(host, path, 9, batch_size=2, rejects=tmp_path / "rejects.jsonl")
    assert not (tmp_path / "rejects.jsonl").exists()
    report = run(host, path, rejects=tmp_path / "rejects.jsonl")
    rejects = [json.loads(line)["line"] for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert (report.rejected, rejects) == (4, [1, 4, 7, 10])
    assert report.count + report.resumed == 8 == len(events(host))


def test_others_may_append_during_an_import_that_renumbers(host: Host, path: Path) -> None:
    host.append_many([NewEvent("mine")])
    write(path, [{"id": 10 * n, "cmd": f"c{n}", "causation_id": 10 * n - 10 or None} for n in range(1, 8)])
    stop(host, path, 6, batch_size=2, append=True, progress=appending(host))
    report = run(host, path, batch_size=2, append=True, progress=appending(host))
    assert (report.count, report.resumed) == (3, 4)
    imported = [event for event in events(host) if event.cmd != "mine"]
    assert [event.cmd for event in imported] == [f"c{n}" for n in range(1, 8)]
    assert [event.causation_id for event in imported] == [None, *(event.id for event in imported[:-1])]


def test_others_must_not_append_while_ids_are_kept(host: Host, path: Path) -> None:
    write(path, [{"id": n, "cmd": f"c{n}"} for n in range(1, 8)])
    with pytest.raises(BulkError, match="others have appended"):
        run(host, path, batch_size=3, progress=appending(host))
    assert [event.cmd for event in events(host)] == ["c1", "c2", "c3", "mine"]


def appending(host: Host) -> Callable[..., None]:
    """Someone who appends after every batch."""
    return lambda *_: host.append_many([NewEvent("mine")]) and None


def test_two_imports_of_one_file_do_not_mix(host: Host, path: Path) -> None:
    write(path, [{"id": n, "cmd": f"c{n}", "datetime": MOMENT} for n in range(1, 10)])
    others: list[BulkReport] = []

    def meanwhile(*_: int) -> None:
        if not others:
            others.append(run(host, path, batch_size=2))

    with pytest.raises(BulkError):
        run(host, path, batch_size=3, progress=meanwhile)
    assert [event.cmd for event in events(host)] == [f"c{n}" for n in range(1, 10)]
    assert (others[0].resumed, others[0].count, cursors(host)) == (3, 6, 0)


def test_two_imports_of_one_file_that_renumber_do_not_mix(host: Host, path: Path) -> None:
    host.append_many([NewEvent("mine")])
    write(path, [{"id": n, "cmd": f"c{n}", "datetime": MOMENT} for n in range(1, 10)])
    others: list[BulkReport] = []

    def meanwhile(*_: int) -> None:
        if not others:
            others.append(run(host, path, batch_size=2, append=True))

    with pytest.raises(BulkError, match="another import of the same file"):
        run(host, path, batch_size=3, append=True, progress=meanwhile)
    assert [event.cmd for event in events(host)][1:] == [f"c{n}" for n in range(1, 10)]
