"""What `[bulk] plugin = "files"` can be told."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """`[bulk] plugin = "files"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    formats: list[str] = Field(
        default=["jsonl", "csv", "eventlite-js"],
        min_length=1,
        description="The file formats to offer, by name; extensions may bring more.",
    )
    batch_size: int | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="Events that are read or committed at a time; else as many as the storage is quickest with.",
    )
    max_line_bytes: int = Field(
        default=64 * 2**20, gt=0, description="The most bytes that one line or record of a file may have, decompressed."
    )
    max_total_bytes: int = Field(
        default=2**40, gt=0, description="The most bytes that a whole file may have, decompressed."
    )
