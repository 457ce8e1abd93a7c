"""Events that a file is to hold just as the store does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from eventlite.event import Row, checksum

_TEXT = 'plain, "quoted", it\'s; ü 漢 😀\ttab\nline\r\nlines\u2028end'


def stored(id: int, cmd: str, data: str = "{}", **values: Any) -> Row:
    """A row; what is not given has a value of its own."""
    fields = {"version": 1, "datetime": 1_700_000_000_000_000 + id * 1000, "user": "", "ip": "", "metadata": "{}"}
    fields |= {"correlation_id": f"c-{id}", "causation_id": None, "tags": "[]", "key": None, **values}
    order = ("version", "datetime", "user", "ip", "correlation_id", "causation_id", "metadata", "tags", "key")
    version, recorded, user, ip, correlation, cause, metadata, tags, key = (fields[name] for name in order)
    draft: Any = (version, recorded, user, ip, cmd, data, correlation, cause, metadata, tags, key)
    return (id, *draft, checksum(draft))


#: Events that every format can hold: whole milliseconds, no tags, no keys.
PLAIN: Sequence[Row] = (
    stored(1, "placed", '{"n":1,"half":0.5,"no":null,"yes":true,"list":[1,{"a":[]}]}', user="alice", ip="::1"),
    stored(2, "paid", '{"text":"a,b\\"c\\nd"}', causation_id=1, correlation_id="c-1", metadata='{"from":"bank"}'),
    stored(5, "sent", "{}", version=7, causation_id=2, datetime=-62_135_596_800_000_000),
    stored(9, "sent", '{"large":18446744073709551615,"small":-9223372036854775808}', datetime=253_402_300_799_999_000),
)

#: The same, and more: microseconds, tags, keys, and every kind of character in names.
RICH: Sequence[Row] = (
    *PLAIN,
    stored(
        10, _TEXT, "{}", user=_TEXT, ip=" ", correlation_id=_TEXT, key=_TEXT, tags=orjson.dumps([_TEXT, "b"]).decode()
    ),
    stored(2**53 - 1, "last", '{"":""}', datetime=1_700_000_000_123_456, tags='["user:42"]', key="k", user="null"),
)
