"""What `eventlite doctor` says about the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eventlite.contracts import Storage
from eventlite.hookspecs import Finding
from eventlite_postgres.scratch import PREFIX

_LEFT = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) ORDER BY 1"

#: Settings with which a crash of the server or its machine damages the store.
_SAFETY = ("fsync", "full_page_writes")


def findings(storage: Storage) -> Iterator[Finding]:
    """Settings of the server that put events at risk, and schemas that nobody needs any more."""
    facts = storage.facts()
    yield from _settings(facts)
    with storage.snapshot() as snapshot:
        for (schema,) in snapshot.connection.execute(_LEFT, (PREFIX,)):
            yield Finding(
                "warning", "server", f"unless a benchmark runs now, drop what one left: DROP SCHEMA {schema} CASCADE"
            )


def _settings(facts: Mapping[str, Any]) -> Iterator[Finding]:
    risky = [name for name in _SAFETY if facts[name] != "on"]
    for name in risky:
        yield Finding("warning", "server", f"{name} is {facts[name]}: a power cut may damage the store; set it to on")
    if facts["standby"]:
        yield Finding("warning", "server", "it is a standby, and takes no writes; name all hosts in `dsn`")
    if not risky:
        yield Finding("ok", "server", f"PostgreSQL {facts['server_version']}, schema {facts['schema']}")
