"""What a dispatcher can do beyond the mandatory part, and how it refuses what it cannot."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, NoReturn

from eventlite.errors import JobError


def _can(what: str) -> Any:
    return field(default=False, metadata={"what": what})


@dataclass(frozen=True, slots=True)
class JobCapabilities:
    """What a dispatcher can do beyond enqueue, run, retry, cancel and inspect; each is False until it is declared."""

    durable: bool = _can("jobs and the positions of triggers survive the process")
    transactional: bool = _can("jobs are enqueued in the append's transaction, and done in that of their own effects")
    leases: bool = _can("of a worker that was taken for lost, and comes back, the late outcome is refused")
    asynchronous: bool = _can("async functions can be workers")
    timeouts: bool = _can("a worker's `timeout` is kept")
    processes: bool = _can("workers can run in processes of their own")
    snooze: bool = _can("a handler can put its job off without an attempt being counted")
    progress: bool = _can("a handler can say how far it is")
    cancels_running: bool = _can("a running job can be asked to stop")
    unique: bool = _can("of a job there is one unfinished at a time, if it is asked for")
    recurring: bool = _can("jobs come again by a cron expression or an interval")
    aging: bool = _can("a job gains priority while it waits, so that none waits for ever")
    queues: bool = _can("jobs can be put in queues of their own")
    pausing: bool = _can("a queue can be paused, and limited")
    work_loop: bool = _can("`work` runs jobs until it is stopped")
    releases: bool = _can("a loop that is stopped can put its running jobs back at once (`stop_now`, `grace`)")
    history: bool = _can("the errors of earlier attempts are kept, and finished jobs forgotten by number and age")
    statistics: bool = _can("`statistics` tells rates, and how long jobs wait and run")
    #: The longest name of a job, a trigger or a queue, in characters: no more than 255.
    max_name: int = 255


def meanings() -> dict[str, str]:
    """Each capability that is declared with True, by name, and what it means."""
    return {one.name: one.metadata["what"] for one in fields(JobCapabilities) if one.metadata}


def undeclared(capability: str, what: str) -> NoReturn:
    """Refuse what the dispatcher cannot do."""
    raise JobError(
        f"this dispatcher has no {what} (capability {capability!r})",
        hint='Use one that declares it, such as `plugin = "durable"` in the profile\'s [jobs] section.',
    )
