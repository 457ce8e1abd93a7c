"""What an event is as one line of JSON, and the digest of many.

Two stores, or a store and a file, hold the same events exactly when their digests are equal. A JSONL export is these
lines and nothing else, so the digest is also what `sha256sum` says of the uncompressed file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import orjson

from eventlite.event import Row, to_iso


def canonical_line(row: Row) -> bytes:
    """The event as one line of JSON in UTF-8, line end included: its twelve fields in order, payloads as stored."""
    id, version, recorded, user, ip, cmd, data, correlation, causation, metadata, tags, key, _ = row
    second, fraction = divmod(recorded, 1_000_000)
    return (
        f'{{"id":{id},"version":{version},"datetime":"{_to_the_second(second)}.{fraction:06d}Z",'
        f'"user":{_known_text(user)},"ip":{_known_text(ip)},"cmd":{_known_text(cmd)},"data":{data},'
        f'"correlation_id":{_text(correlation)},"causation_id":{"null" if causation is None else causation},'
        f'"metadata":{metadata},"tags":{tags},"key":{"null" if key is None else _text(key)}}}\n'
    ).encode()


class Digest:
    """The sha256 over the canonical lines of events, in the order in which they are added."""

    __slots__ = ("_hash",)

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, rows: Iterable[Row]) -> None:
        """Take in more events."""
        self._hash.update(b"".join(map(canonical_line, rows)))

    def hexdigest(self) -> str:
        """The digest of everything added so far, 64 hexadecimal digits."""
        return self._hash.hexdigest()


def _text(value: str) -> str:
    return orjson.dumps(value).decode()


# The same few users, addresses, commands and seconds come again and again.
_known_text = lru_cache(4096)(_text)


@lru_cache(256)
def _to_the_second(second: int) -> str:
    return to_iso(second * 1_000_000)[:19]
