"""The section `[jobs]` of a profile that names `threads`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Settings(BaseModel):
    """How many jobs run at once, and how many finished ones are remembered."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(4, ge=1, le=64, description="How many jobs run at once, each in a thread of its own.")
    history: int = Field(
        1000, ge=0, description="How many finished jobs are kept: so many done, so many dead, so many cancelled ones."
    )
