"""The section `[jobs]` of a profile that names `durable`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Settings(BaseModel):
    """How many jobs run at once, for how long a claim is good, and what is kept of finished jobs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(4, ge=1, le=256, description="How many jobs run at once in one process.")
    lease: float = Field(
        30.0, ge=0.1, le=86_400, description="Seconds after which a job of a worker that was killed runs again."
    )
    ahead: int = Field(
        16,
        ge=0,
        le=64,
        description="How many jobs each worker may claim ahead while jobs take milliseconds; 0 is none.",
    )
    poll_shortest: float = Field(
        0.005, gt=0, le=60, description="Seconds between two looks for other processes' jobs, at first."
    )
    poll_longest: float | None = Field(
        None, gt=0, le=60, description="The same after a while without any; 0.02, or 0.5 where the storage gives hints."
    )
    history: int = Field(
        10_000, ge=0, description="How many finished jobs are kept: so many done, so many dead, so many cancelled ones."
    )
    keep: float = Field(7 * 86_400.0, gt=0, description="Seconds for which a finished job is kept, within `history`.")

    def longest_pause(self, hints: bool) -> float:
        """Seconds between two looks after a while without jobs, with hints of others' or without."""
        usual = 0.5 if hints else 0.02
        return max(self.poll_shortest, usual) if self.poll_longest is None else self.poll_longest

    @model_validator(mode="after")
    def _ordered(self) -> Settings:
        if self.poll_longest is not None and self.poll_shortest > self.poll_longest:
            raise ValueError("poll_shortest must not be longer than poll_longest")
        return self
