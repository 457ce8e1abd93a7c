"""The `[storage]` section of a profile with `plugin = "sqlite"`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path = Field(Path("eventlite.db"), description="The database file.")
    create: bool = Field(True, description="Create the file if it is not there.")
    synchronous: Literal["normal", "full"] = Field(
        "full", description="full: an acknowledged append survives a power cut; normal: a crash of the process."
    )
    page_size: int = Field(4096, description="Bytes per page of a new file: a power of two from 512 to 65,536.")
    busy_timeout: float = Field(30.0, gt=0, le=3600, description="Seconds to wait for another process that writes.")
    cache_size: int = Field(16 * 2**20, ge=2**16, description="Bytes of page cache of the writer.")
    reader_cache_size: int = Field(4 * 2**20, ge=2**16, description="Bytes of page cache of each reader.")
    checkpoint_pages: int = Field(1000, ge=10, description="About how many pages the log may grow to.")
    salvage: bool = Field(False, description="Read a damaged file as far as it goes, and write nothing.")
    poll_interval: float = Field(0.005, gt=0, le=10, description="Seconds between looks for others' appends in a wait.")

    @field_validator("path")
    @classmethod
    def _file(cls, path: Path) -> Path:
        if path.name == ":memory:":
            raise ValueError('names no file: for a store in memory use plugin = "memory"')
        try:
            return path.expanduser()
        except RuntimeError:  # there is no such user: then it is a folder of that name
            return path

    @field_validator("page_size")
    @classmethod
    def _power_of_two(cls, size: int) -> int:
        if size not in {2**n for n in range(9, 17)}:
            raise ValueError("must be a power of two from 512 to 65536")
        return size
