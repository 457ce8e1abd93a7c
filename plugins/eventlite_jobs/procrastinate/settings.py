"""The section `[jobs]` of a profile that names `procrastinate`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """Where procrastinate's tables are, which of their queues are worked on, and how."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dsn: str | None = Field(
        None,
        description="How to connect, as libpq reads it; without, as the storage does, which is on PostgreSQL then.",
    )
    schema_name: str | None = Field(
        None,
        alias="schema",
        min_length=1,
        max_length=63,
        pattern=r"^[^\x00]*$",
        description="The schema of procrastinate's tables; without, the connection's search_path leads to them.",
    )
    create: bool = Field(
        True, description="Create procrastinate's tables, and the two beside them, if they are not there."
    )
    queues: tuple[str, ...] | None = Field(
        None, min_length=1, description="The queues that are worked on here; without, all that there are."
    )
    workers: int = Field(4, ge=1, le=256, description="How many jobs run at once in one process.")
    lease: float = Field(
        30.0,
        ge=1,
        le=86_400,
        description="Seconds without a heartbeat after which a worker is lost, and its jobs run again.",
    )
    poll: float = Field(
        0.25,
        gt=0,
        le=60,
        description="Seconds between two looks for events that trigger jobs, and for delays that are over.",
    )
