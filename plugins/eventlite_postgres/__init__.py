"""A storage on a PostgreSQL server: the same semantics for many machines, and a standby where one is wanted.

`storage` is the whole.

* Writing: the `writer` has one connection. A group of appends is one call of a function (`at_once`), or else two
  `exchanges`, with what admission asks `foreseen`, and many rows by `copying`. `transaction` is a unit of work,
  `records` the records in it.
* Reading: a pool of `readers`, each `reading` over a connection; `statements` makes SQL of a query, `texts` has what
  depends on none, `recent` saves asking twice. `news` wakes those who wait.
* Opening: `connecting`, `schema` (with the scripts in `sql`), `settings`, `indexes`; `failures` translates errors, and
  `forking` keeps children off.
* For people: `inspection`, `durability`, `doctor`. For tests and benchmarks: `testing`, `leftovers`, `scratch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import psycopg  # noqa: F401 - so that a missing one is told when the plugin is loaded, with the extra that brings it

from eventlite import hookimpl
from eventlite.contracts import Storage
from eventlite.hookspecs import Finding
from eventlite_postgres.settings import Settings

if TYPE_CHECKING:
    from eventlite.contracts import Host

__all__ = ["CONTRACT", "Settings", "eventlite_doctor", "eventlite_make_storage", "eventlite_scratch_store"]

CONTRACT = 1


@hookimpl
def eventlite_make_storage(settings: Settings) -> Storage:
    """Connect, and create the store or bring it up to date."""
    from eventlite_postgres.storage import PostgresStorage

    return PostgresStorage(settings)


@hookimpl
def eventlite_scratch_store(settings: Settings) -> AbstractContextManager[Mapping[str, Any]]:
    """A schema of its own in the same database, dropped at the end of the block."""
    from eventlite_postgres.scratch import scratch_schema

    return scratch_schema(settings)


@hookimpl
def eventlite_doctor(kernel: Host) -> Iterable[Finding]:
    """Settings of the server that put events at risk, and what a killed benchmark left."""
    from eventlite_postgres.doctor import findings

    return findings(kernel.storage)
