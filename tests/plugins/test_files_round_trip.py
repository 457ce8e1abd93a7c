"""Whatever is in a store comes out of it and into another one unchanged, in every format that can be written."""

from __future__ import annotations

import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from eventlite_files import Settings, eventlite_formats, eventlite_make_bulk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventlite import Event, NewEvent, Query
from eventlite.contracts import ExportOptions, ImportOptions
from eventlite.testing.host import StorageHost, open_storage

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
NAME = st.text(LETTERS, min_size=1, max_size=12)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
)
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))
EVENT = st.builds(
    NewEvent,
    NAME,
    data=st.dictionaries(TEXT, JSON, max_size=4),
    user=NAME | st.just(""),
    ip=NAME | st.just(""),
    version=st.integers(1, 2**31 - 1),
    metadata=st.dictionaries(TEXT, SCALAR, max_size=2),
    tags=st.lists(NAME, max_size=3),
    correlation_id=NAME | st.none(),
)


@pytest.mark.parametrize("suffix", [".jsonl", ".csv"])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(EVENT, max_size=5), st.data())
def test_export_import_export_is_the_same_byte_for_byte(
    suffix: str, events: list[NewEvent], data: st.DataObject
) -> None:
    for index, event in enumerate(events):
        event.cause = data.draw(st.sampled_from([None, *events[:index]]))
        event.key = data.draw(st.sampled_from([None, f"{event.cmd[:200]}{index}"]))
    bulk = eventlite_make_bulk(Settings(), list(eventlite_formats()))
    with tempfile.TemporaryDirectory() as folder, closing(open_storage()) as first, closing(open_storage()) as second:
        here, there = Path(folder, f"first{suffix}"), Path(folder, f"second{suffix}")
        StorageHost(first).append_many(events)
        exported = bulk.export_file(StorageHost(first), here, Query(), ExportOptions())
        imported = bulk.import_file(StorageHost(second), here, ImportOptions(batch_size=2))
        again = bulk.export_file(StorageHost(second), there, Query(), ExportOptions(batch_size=1))
        assert here.read_bytes() == there.read_bytes()
        assert exported.digest == imported.digest == again.digest
        rows = first.read(Query(), limit=100)
        assert rows == second.read(Query(), limit=100)
        assert [Event(row).data for row in rows] == [event.data for event in events]
