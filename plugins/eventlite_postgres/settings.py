"""The `[storage]` section of a profile with `plugin = "postgres"`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: str = Field(
        "", description="How to connect, as libpq reads it; what it leaves out comes from PGHOST and the like."
    )
    schema_name: str | None = Field(
        None,
        alias="schema",
        min_length=1,
        max_length=63,
        pattern=r"^[^\x00]*$",
        description="The schema that holds the store; without, the first of the connection's search_path.",
    )
    create: bool = Field(True, description="Create the store if it is not there.")
    pool_size: int = Field(10, ge=1, le=1000, description="The most connections that read at once.")
    prepare: bool = Field(True, description="Prepare statements on the server; not through an old pooling proxy.")
    listen: bool = Field(True, description="Have other processes' appends announced; a proxy may not pass it on.")
    busy_timeout: float = Field(30.0, gt=0, le=3600, description="Seconds to wait for another process that writes.")
    reconnect_timeout: float = Field(
        30.0, ge=0, le=3600, description="Seconds to try for a connection when one is lost, as in a failover."
    )
    poll_interval: float = Field(0.05, gt=0, le=10, description="Seconds between looks for others' appends in a wait.")
    freshness: float = Field(
        0.0, ge=0, le=60, description="Seconds for which reads may miss what others append, to save round trips."
    )
