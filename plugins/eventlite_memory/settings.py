"""What `[storage] plugin = "memory"` can be told: nothing."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Refuses every key."""

    model_config = ConfigDict(extra="forbid", frozen=True)
