"""The tables of jobs: created and brought up to date when they are first needed, by whoever comes first."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from eventlite import SchemaVersionError
from eventlite_jobs.durable.session import Session

#: One file of `sql/` for each version of the tables, in order.
MIGRATIONS = ("001_jobs.sql",)

_VERSIONS = "job_schema"


def is_there(session: Session) -> bool:
    """Whether the tables can be read; raises `SchemaVersionError` for those of a newer EventLite."""
    version = _version(session)
    _refuse_newer(version)
    return version == len(MIGRATIONS)


def ensure(session: Session) -> None:
    """Create or migrate the tables inside the transaction; several processes may try at once."""
    if is_there(session):
        return
    if session.dialect.lock_schema:
        session.rows(session.dialect.lock_schema)
    version = _version(session)
    if version is None:
        session.run(f"CREATE TABLE @{_VERSIONS} (version BIGINT NOT NULL)")
        session.run(f"INSERT INTO @{_VERSIONS} (version) VALUES (0)")
    _refuse_newer(version)
    for name in MIGRATIONS[version or 0 :]:
        for statement in _statements(name, session.dialect.serial):
            session.run(statement)
    session.run(f"UPDATE @{_VERSIONS} SET version = ?", (len(MIGRATIONS),))


def _version(session: Session) -> int | None:
    if not session.has_table(_VERSIONS):
        return None
    found = session.row(f"SELECT version FROM @{_VERSIONS}")
    return None if found is None else int(found[0])


def _refuse_newer(version: int | None) -> None:
    if version is not None and version > len(MIGRATIONS):
        raise SchemaVersionError(
            f"the tables of jobs have version {version}, and this EventLite knows {len(MIGRATIONS)}",
            hint="Upgrade EventLite.",
        )


def _statements(name: str, serial: str) -> list[str]:
    text = (files("eventlite_jobs.durable") / "sql" / name).read_text(encoding="utf-8")
    return [part for part in Template(text).substitute(serial=serial).split(";\n") if part.strip()]
