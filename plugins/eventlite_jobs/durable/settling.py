"""What becomes of a job whose attempt is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from eventlite_jobs.backoff import retry_delay
from eventlite_jobs.durable.rows import READY, SCHEDULED, Claim, rank
from eventlite_jobs.durable.session import Session
from eventlite_jobs.texts import result_text

#: Outcomes that leave an attempt uncounted which was never begun.
_UNCOUNTED = ("released", "cancelled")

#: Failed attempts that are kept of one job.
MAX_FAILURES = 20

_LOST = "JobError: its worker was lost: the lease was over before the attempt"
_LOST_AHEAD = f"{_LOST}, which may not have been begun"

_SETTLE = (
    "UPDATE @job SET state = ?, attempts = ?, due = ?, rank = ?, finished = ?, error = ?, failures = ?, result = ?,"
    " started = coalesce(started, ?), max_attempts = ?,"
    " lease = NULL, renewed = NULL, cancelling = 0 WHERE id = ? AND fence = ? AND state = 'running'"
)

_SETTLE_DONE = (
    "UPDATE @job AS job SET state = 'done', finished = ?, error = NULL, result = ended.result,"
    " started = coalesce(job.started, ended.started), max_attempts = ended.most,"
    " lease = NULL, renewed = NULL, cancelling = 0 FROM {ended} AS ended"
    " WHERE job.id = ended.id AND job.fence = ended.fence AND job.state = 'running' RETURNING job.id"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    `kind` is "done", "failed", "cancelled", "snoozed", "released" (by a worker that stops) or "lost" (its lease over).
    """

    kind: str
    #: What the handler returned.
    result: Any = None
    #: Why it failed, as "Type: text".
    error: str | None = None
    #: For how long to snooze.
    seconds: float = 0.0


def settle(
    session: Session, claim: Claim, outcome: Outcome, now: int, max_attempts: int | None, started: int | None = None
) -> bool:
    """Store it; False, and nothing is done, when the job is not this claim's any more.

    `max_attempts` is what the job's worker says, None where that is not known; `started` is when the attempt was begun,
    None if it was not as far as is known here.
    """
    most = claim.max_attempts if max_attempts is None else max_attempts
    change = _CHANGES.get(outcome.kind, _failed)(claim, outcome, now, most)
    if started is None and claim.started is None and outcome.kind in _UNCOUNTED:
        change = change._replace(attempts=claim.attempts - 1)
    return session.run(_SETTLE, (*change, started, most, claim.id, claim.fence)) == 1


class Done(NamedTuple):
    """An attempt that ended well; `most` and `started` as for `settle`."""

    claim: Claim
    result: Any
    most: int | None
    started: int | None


def settle_done(session: Session, ended: Sequence[Done], now: int) -> set[int]:
    """Store many of those in one statement; the numbers of the jobs that were still theirs."""
    if not ended:
        return set()
    table = session.dialect.table_of(id="bigint", fence="bigint", result="text", most="bigint", started="bigint")
    values = [
        (one.claim.id, one.claim.fence, result_text(one.result), one.most or one.claim.max_attempts, one.started)
        for one in ended
    ]
    found = session.rows(_SETTLE_DONE.format(ended=table), (now, orjson.dumps(values).decode()))
    return {id for (id,) in found}


class _Change(NamedTuple):
    """What is stored of it, as `_SETTLE` takes it."""

    state: str
    attempts: int
    due: int
    rank: int
    finished: int | None
    error: str | None
    failures: str
    result: str | None = None


def _done(claim: Claim, outcome: Outcome, now: int, _most: int) -> _Change:
    result = result_text(outcome.result)
    return _Change("done", claim.attempts, claim.due, claim.rank, now, None, claim.failures, result)


def _cancelled(claim: Claim, outcome: Outcome, now: int, _most: int) -> _Change:
    return _Change("cancelled", claim.attempts, claim.due, claim.rank, now, outcome.error, claim.failures)


def _released(claim: Claim, _outcome: Outcome, _now: int, _most: int) -> _Change:
    return _Change(READY, claim.attempts, claim.due, claim.rank, None, None, claim.failures)


def _snoozed(claim: Claim, outcome: Outcome, now: int, _most: int) -> _Change:
    later = now + round(outcome.seconds * 1_000_000)
    return _Change(SCHEDULED, claim.attempts - 1, later, rank(later, claim.priority), None, None, claim.failures)


def _failed(claim: Claim, outcome: Outcome, now: int, most: int) -> _Change:
    ahead = outcome.kind == "lost" and claim.started is None
    error = outcome.error or (_LOST_AHEAD if ahead else _LOST)
    failures = _with_failure(claim.failures, claim.attempts, now, error)
    if claim.attempts >= most and not ahead:
        return _Change("dead", claim.attempts, claim.due, claim.rank, now, error, failures)
    if outcome.kind == "lost":  # it has waited for its lease to end
        return _Change(READY, claim.attempts, claim.due, claim.rank, None, error, failures)
    later = now + round(retry_delay(claim.attempts) * 1_000_000)
    return _Change(SCHEDULED, claim.attempts, later, rank(later, claim.priority), None, error, failures)


_CHANGES = {"done": _done, "cancelled": _cancelled, "released": _released, "snoozed": _snoozed}


def _with_failure(failures: str, attempt: int, now: int, error: str) -> str:
    kept = [*orjson.loads(failures), [attempt, now, error]][-MAX_FAILURES:]
    return orjson.dumps(kept).decode()
