"""What a worker's function is called with, and what is known of it where nothing is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eventlite_jobs.workers import Workers


@dataclass(frozen=True, slots=True)
class Task:
    """What a worker's function is called with."""

    id: str
    name: str
    data: dict[str, Any]
    #: 1 on the first try.
    attempt: int


def call(workers: Workers, task: Task) -> Any:
    """Do the task; raises what its function raises, and `JobError` without a worker of that name."""
    worker = workers.get(task.name)
    if worker is None:
        raise workers.unknown(task.name)
    return worker.handler(task)


def max_attempts(workers: Workers, name: str) -> int:
    """How many attempts a job of that name has: one while nobody works on it."""
    worker = workers.get(name)
    return 1 if worker is None else worker.max_attempts
