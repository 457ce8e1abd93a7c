"""The `[profile]` section; imports pydantic, so it is imported when a profile is read."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Header(BaseModel):
    """What a profile says about itself, and what is not a plugin's to say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(None, min_length=1, description="What it is called; the file's name when it does not say.")
    description: str = Field("", description="Who it is for, in a sentence.")
    extends: str | None = Field(None, description="The profile it is built on: a name, or a path relative to the file.")
    extensions: list[str] = Field([], description="The extensions to load, the outermost wrapper first.")
    verify_reads: bool = Field(True, description="Whether an event's checksum is compared when it is first touched.")
