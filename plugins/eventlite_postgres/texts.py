"""The statements of one store whose text does not depend on a query, with its schema filled in."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from eventlite.event import COLUMNS

#: First number of the advisory locks of all stores: "EvLt" in ASCII.
LOCKS = 0x45764C74


def identifier(name: str) -> str:
    """A name as PostgreSQL quotes it, ready for psycopg, to which a percent sign means a parameter."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


def script(name: str, schema: str) -> str:
    """The text of a file in `sql/`, for a store in that schema; to be executed without parameters."""
    text = (files("eventlite_postgres") / "sql" / name).read_text(encoding="utf-8")
    return text.replace("{schema}", identifier(schema).replace("%%", "%"))


def on_path(schema: str) -> str:
    """Have tables that name no schema made and found in that of the store, until the transaction ends.

    As a parameter of the connection a pooling proxy would refuse it, or hand it to whoever is next.
    """
    name = identifier(schema).replace("%%", "%").replace("'", "''")
    path = f"concat_ws(', ', '{name}', nullif(current_setting('search_path'), ''))"
    return f"SELECT set_config('search_path', {path}, true)"


def quoted(name: str) -> str:
    """A column's name: one of them is a word of SQL."""
    return '"user"' if name == "user" else name


COLUMN_LIST = ", ".join(f"event.{quoted(name)}" for name in COLUMNS)


class Texts(NamedTuple):
    """Of one store."""

    event: str
    tag: str
    get: str
    by_key: str
    by_ids: str
    by_keys: str
    head: str
    begin: str
    insert: str
    insert_tag: str
    copy: str
    copy_tags: str
    append_one: str
    append_many: str
    state_get: str
    state_list: str
    state_due: str
    state_put: str
    state_delete: str


@lru_cache(64)
def texts(schema: str) -> Texts:
    """The statements of the store in that schema."""
    event, tag, state = (f"{identifier(schema)}.{table}" for table in ("event", "event_tag", "state"))
    columns = ", ".join(map(quoted, COLUMNS))
    rows = f"SELECT {COLUMN_LIST} FROM {event} AS event"
    record = f"SELECT name, value, version, due FROM {state}"
    return Texts(
        event=event,
        tag=tag,
        get=f"{rows} WHERE id = %s",
        by_key=f"{rows} WHERE key = %s",
        by_ids=f"{rows} WHERE id = ANY(%s)",
        by_keys=f"{rows} WHERE key = ANY(%s) AND key IS NOT NULL",  # by the partial index
        head=f"SELECT coalesce(max(id), 0) FROM {event}",
        begin=f"SELECT {identifier(schema)}.event_begin(%s::integer, %s::integer)",
        insert=f"INSERT INTO {event} ({columns}) VALUES ({', '.join(['%s'] * len(COLUMNS))})",
        insert_tag=f"INSERT INTO {tag} (tag, event_id) VALUES (%s, %s)",
        copy=f"COPY {event} ({columns}) FROM STDIN",
        copy_tags=f"COPY {tag} (tag, event_id) FROM STDIN",
        append_one=_call(schema, "event_append", ""),
        append_many=_call(schema, "event_append_many", "[]"),
        state_get=f"{record} WHERE namespace = %s AND name = %s",
        state_list=f"{record} WHERE namespace = %s AND name > %s ORDER BY name LIMIT %s",
        state_due=f"{record} WHERE namespace = %s AND due <= %s ORDER BY due, name LIMIT %s",
        state_put=f"INSERT INTO {state} (namespace, name, value, version, due) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (namespace, name) DO UPDATE "
        "SET value = excluded.value, version = excluded.version, due = excluded.due",
        state_delete=f"DELETE FROM {state} WHERE namespace = %s AND name = %s",
    )


def _call(schema: str, function: str, dimension: str) -> str:
    kinds = ("integer", "bigint", "text", "text", "text", "text", "text", "bigint", "text", "text", "text", "bigint")
    given = ("integer", "integer", "text[]", "text[]", "bigint", *(f"{kind}{dimension}" for kind in kinds))
    return f"SELECT {identifier(schema)}.{function}({', '.join(f'%s::{kind}' for kind in given)})"
