"""Canonical lines and the digest over them."""

from __future__ import annotations

import hashlib

import orjson
from hypothesis import given
from hypothesis import strategies as st

from eventlite.digest import Digest, canonical_line
from eventlite.event import Event, Row

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ROWS = st.builds(
    lambda position, version, moment, user, ip, cmd, data, correlation, cause, tags, key: (
        *(position, version, moment, user, ip, cmd, orjson.dumps(data).decode(), correlation, cause),
        *("{}", orjson.dumps(tags).decode(), key, 0),
    ),
    st.integers(1, 2**53 - 1),
    st.integers(1, 2**31 - 1),
    st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999),
    *(TEXT, TEXT, TEXT),
    st.dictionaries(
        TEXT, st.one_of(TEXT, st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(-9, 9))
    ),
    *(TEXT, st.none() | st.integers(1, 2**53 - 1), st.lists(TEXT), st.none() | TEXT),
)


@given(ROWS)
def test_a_line_is_the_event_as_json_in_the_order_of_its_fields(row: Row) -> None:
    assert canonical_line(row) == orjson.dumps(Event(row).to_dict()) + b"\n"


@given(st.lists(ROWS), st.integers(0, 9))
def test_the_digest_is_the_sha256_of_the_lines_however_they_come(rows: list[Row], split: int) -> None:
    digest = Digest()
    digest.add(rows[:split])
    digest.add(rows[split:])
    assert digest.hexdigest() == hashlib.sha256(b"".join(map(canonical_line, rows))).hexdigest()
