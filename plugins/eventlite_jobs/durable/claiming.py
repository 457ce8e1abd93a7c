"""Taking jobs that are due, and holding them while they run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from eventlite_jobs.durable.rows import CLAIM, READY, Claim
from eventlite_jobs.durable.session import Session
from eventlite_jobs.durable.settling import Outcome, settle

#: A lease that was renewed so far in the future was renewed before the clock was set back, and holds nothing.
_CLOCK_SET_BACK = 60_000_000

#: Jobs that are promoted, or taken back, at once.
_BATCH = 1000

_QUEUES = "SELECT name, paused, most FROM @job_queue"
_RUNNING = "SELECT queue, count(*) FROM @job WHERE state = 'running' GROUP BY queue"
_DUE = "SELECT id FROM @job WHERE state = 'scheduled' AND due <= ? ORDER BY due LIMIT ?"
_NEXT = "SELECT due FROM @job WHERE state = 'scheduled' ORDER BY due LIMIT 1"
_PROMOTE = f"UPDATE @job SET state = '{READY}' WHERE id IN ({_DUE})"
_EXPIRED = "state = 'running' AND (lease <= ? OR renewed > ?)"
_ANY_EXPIRED = f"SELECT 1 FROM @job WHERE {_EXPIRED} LIMIT 1"
_TAKE = (
    "UPDATE @job SET state = 'running', attempts = attempts + 1, fence = fence + 1, progress = NULL,"
    " started = ?, renewed = ?, lease = ?"
)
_NEVER_RAN = "WHERE attempts = 0"
_BEGUN = "UPDATE @job SET started = ? WHERE id = ? AND fence = ? AND state = 'running'"
_RENEW = "UPDATE @job SET renewed = ?, lease = ? WHERE id = ? AND fence = ? AND state = 'running'"
_HELD = "SELECT 1 FROM @job WHERE id = ? AND fence = ? AND renewed = ? AND state = 'running'"
_CANCELLING = "SELECT id, fence FROM @job WHERE state = 'running' AND cancelling = 1"


class Share(NamedTuple):
    """How many jobs of a queue may be taken now."""

    queue: str
    jobs: int
    #: Whether that is less than there could be, for the sake of all processes together.
    limited: bool = False


def shares(session: Session, most: int, names: Sequence[str] | None) -> list[Share]:
    """The queues that jobs may be taken from, at most `most` in all; `names` None is all of them."""
    queues = [row for row in session.rows(_QUEUES) if not row[1] and (names is None or row[0] in names)]
    running = dict(session.rows(_RUNNING)) if any(limit is not None for _, _, limit in queues) else {}
    free = [
        Share(name, most if limit is None else min(most, limit - running.get(name, 0)), limit is not None)
        for name, _, limit in queues
    ]
    return [share for share in free if share.jobs > 0]


def next_work(session: Session, now: int, names: Sequence[str] | None) -> int | None:
    """When `claim` would find work: `now`, when the next delayed job is due, or None. A look that costs no writer."""
    planned = session.row(_NEXT)
    if (planned is not None and planned[0] <= now) or _is_ready(session, now, names):
        return now
    return None if planned is None else int(planned[0])


def _is_ready(session: Session, now: int, names: Sequence[str] | None) -> bool:
    return session.row(_ANY_EXPIRED, (now, now + _CLOCK_SET_BACK)) is not None or any(
        _has_ready(session, share) for share in shares(session, 1, names)
    )


def claim(session: Session, most: int, names: Sequence[str] | None, now: int, lease: int) -> list[Claim]:
    """Take at most `most` jobs that are due, the lowest rank first, for `lease` microseconds, to begin them at once."""
    session.run(_PROMOTE, (now, _BATCH))
    return _taken(session, shares(session, most, names), most, (now, now, now + lease))


def claim_ahead(session: Session, most: int, names: Sequence[str] | None, now: int, lease: int) -> list[Claim]:
    """The same for jobs that wait for their turn, right after `claim`.

    Whether one was begun when its process is lost, nobody knows. So none is dead for that, and only jobs that never ran
    are taken: each can be lost in this way once. Limited queues are left alone, whose share others may be waiting for.
    """
    open_queues = [share for share in shares(session, most, names) if not share.limited]
    return _taken(session, open_queues, most, (None, now, now + lease), _NEVER_RAN)


def _taken(
    session: Session, open_queues: list[Share], most: int, times: tuple[int | None, int, int], only: str = ""
) -> list[Claim]:
    if not open_queues or most < 1:
        return []
    chosen, values = _chosen(session, open_queues, most, only)
    taken = session.rows(f"{_TAKE} WHERE id IN ({chosen}) RETURNING {CLAIM}", (*times, *values))
    return sorted((Claim(*row) for row in taken), key=lambda claim: (claim.rank, claim.id))


def mark_begun(session: Session, claim: Claim, started: int | None) -> None:
    """From now on it is known that a job which was claimed ahead runs."""
    session.run(_BEGUN, (started, claim.id, claim.fence))


def reclaim(session: Session, now: int, max_attempts: Callable[[str], int | None]) -> int:
    """End the attempts whose lease is over: their jobs run again, or are dead; how many that were."""
    expired = [
        Claim(*row)
        for row in session.rows(
            f"SELECT {CLAIM} FROM @job WHERE {_EXPIRED} LIMIT ? {session.dialect.skip_locked}",
            (now, now + _CLOCK_SET_BACK, _BATCH),
        )
    ]
    cancelled = set(session.rows(_CANCELLING)) if expired else set()
    for lost in expired:
        kind = "cancelled" if (lost.id, lost.fence) in cancelled else "lost"
        settle(session, lost, Outcome(kind), now, max_attempts(lost.name))
    return len(expired)


def renew(session: Session, claims: Iterable[Claim], now: int, lease: int) -> list[Claim]:
    """Hold on to what runs; those that are not ours any more."""
    return [claim for claim in claims if not session.run(_RENEW, (now, now + lease, claim.id, claim.fence))]


def held(session: Session, claims: Iterable[Claim], taken: int) -> list[Claim]:
    """Those that are stored as taken at that time. After a claim that was undone, the next one has the same fence."""
    return [claim for claim in claims if session.row(_HELD, (claim.id, claim.fence, taken)) is not None]


def cancelling(session: Session) -> set[tuple[int, int]]:
    """The jobs, with their fences, whose handlers are asked to stop."""
    return {(id, fence) for id, fence in session.rows(_CANCELLING)}


def _has_ready(session: Session, share: Share) -> bool:
    return session.row(*_ready(share, skip_locked="")) is not None


def _chosen(session: Session, open_queues: list[Share], most: int, only: str = "") -> tuple[str, tuple[object, ...]]:
    """A query for the ids to take: one walk along the index for each queue, merged by rank."""
    parts = [_ready(share, session.dialect.skip_locked) for share in open_queues]
    if len(parts) == 1:
        text, values = parts[0]
        return f"SELECT id FROM ({text}) AS due {only}", values
    union = " UNION ALL ".join(f"SELECT id, rank, attempts FROM ({text}) AS q{n}" for n, (text, _) in enumerate(parts))
    text = f"SELECT id FROM ({union}) AS due {only} ORDER BY rank, id LIMIT ?"
    return text, (*(value for _, values in parts for value in values), most)


def _ready(share: Share, skip_locked: str) -> tuple[str, tuple[object, ...]]:
    due = f"FROM @job WHERE state = '{READY}' AND queue = ? ORDER BY rank, id LIMIT ?"
    return f"SELECT id, rank, attempts {due} {skip_locked}", (share.queue, share.jobs)
