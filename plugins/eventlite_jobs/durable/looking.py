"""Looking at jobs, and moving those that do not run from state to state."""

from __future__ import annotations

from typing import Any

from eventlite.contracts.jobs import JOB_STATES
from eventlite_jobs.durable.rows import AGING, INFO, READY, STATES
from eventlite_jobs.durable.session import Session

_GET = f"SELECT {INFO} FROM @job WHERE id = ?"
_COUNT = "SELECT state, count(*) FROM @job GROUP BY state"
_CANCEL = "UPDATE @job SET state = 'cancelled', finished = ? WHERE id = ? AND state IN ('ready', 'scheduled')"
_ASK = "UPDATE @job SET cancelling = 1 WHERE id = ? AND state = 'running'"
_REVIVE = f"""
UPDATE @job SET state = '{READY}', attempts = 0, finished = NULL, due = ?, rank = ? - priority * {AGING}
WHERE id = ? AND state IN ('dead', 'cancelled') AND (uniqueness IS NULL OR NOT EXISTS (
    SELECT 1 FROM @job AS other
    WHERE other.name = job.name AND other.uniqueness = job.uniqueness AND other.finished IS NULL
))
"""


def get(session: Session, number: int) -> tuple[Any, ...] | None:
    """The row of one job."""
    return session.row(_GET, (number,))


def newest(
    session: Session, limit: int, state: str | None, name: str | None, queue: str | None
) -> list[tuple[Any, ...]]:
    """Rows, the newest first."""
    conditions, values = ["1 = 1"], list[object]()
    if state is not None:
        conditions.append(f"state IN ({', '.join('?' * len(STATES[state]))})")
        values += STATES[state]
    for column, value in (("name", name), ("queue", queue)):
        if value is not None:
            conditions.append(f"{column} = ?")
            values.append(value)
    return session.rows(
        f"SELECT {INFO} FROM @job WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?", (*values, limit)
    )


def counts(session: Session) -> dict[str, int]:
    """How many jobs are in each of `JOB_STATES`."""
    found = dict(session.rows(_COUNT))
    return {state: sum(found.get(one, 0) for one in STATES[state]) for state in JOB_STATES}


def cancel(session: Session, number: int, now: int) -> str:
    """Take a pending job out of the queue, or ask a running one to stop: its state before that, "" for neither."""
    if session.run(_CANCEL, (now, number)):
        return "pending"
    return "running" if session.run(_ASK, (number,)) else ""


def revive(session: Session, number: int, now: int) -> bool:
    """Put a dead or cancelled job back, unless an unfinished one is there that it would double."""
    session.announce()
    return session.run(_REVIVE, (now, now, number)) > 0
