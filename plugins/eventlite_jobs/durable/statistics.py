"""What the queues do, computed from the table."""

from __future__ import annotations

from collections import defaultdict
from statistics import fmean, median

from eventlite.contracts import Durations, JobStatistics
from eventlite_jobs.durable import looking
from eventlite_jobs.durable.rows import STATES
from eventlite_jobs.durable.session import Session

#: Finished jobs that times are taken from.
_SAMPLE = 1000

_NAMES = "SELECT name, state, count(*) FROM @job GROUP BY name, state ORDER BY name"
_OLDEST = "SELECT min(due) FROM @job WHERE state = ? AND due <= ?"
_RATE = "SELECT count(*) FROM @job WHERE state = ? AND finished > ?"
_TIMES = (
    "SELECT started - due, finished - started FROM @job WHERE state = 'done' AND finished > ? AND started IS NOT NULL"
    " ORDER BY finished DESC LIMIT ?"
)

_CONTRACT_STATES = {state: name for name, states in STATES.items() for state in states}


def statistics(session: Session, now: int, window: float) -> JobStatistics:
    """As of this moment; `window` in seconds."""
    since = now - round(window * 1_000_000)
    times = session.rows(_TIMES, (since, _SAMPLE))
    return JobStatistics(
        by_state=looking.counts(session),
        by_name=_by_name(session),
        oldest_pending=min(filter(None, (_oldest(session, state, now) for state in STATES["pending"])), default=None),
        done_per_minute=_per_minute(session, "done", since, window),
        dead_per_minute=_per_minute(session, "dead", since, window),
        wait=_durations([max(0, waited) / 1e6 for waited, _ in times]),
        run=_durations([max(0, ran) / 1e6 for _, ran in times]),
    )


def empty() -> JobStatistics:
    """Where no job ever was."""
    return JobStatistics(dict.fromkeys(STATES, 0), {}, None, 0.0, 0.0, None, None)


def _by_name(session: Session) -> dict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for name, state, count in session.rows(_NAMES):
        known = _CONTRACT_STATES[state]
        found[name][known] = found[name].get(known, 0) + count
    return dict(found)


def _oldest(session: Session, state: str, now: int) -> int | None:
    row = session.row(_OLDEST, (state, now))
    return None if row is None else row[0]


def _per_minute(session: Session, state: str, since: int, window: float) -> float:
    row = session.row(_RATE, (state, since))
    return 0.0 if row is None else float(row[0]) / window * 60


def _durations(seconds: list[float]) -> Durations | None:
    if not seconds:
        return None
    return Durations(fmean(seconds), median(seconds), sorted(seconds)[(len(seconds) * 95 - 1) // 100])
