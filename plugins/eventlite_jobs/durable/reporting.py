"""Storing what executors report."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from eventlite_jobs.durable.endings import Report
from eventlite_jobs.durable.session import Session
from eventlite_jobs.durable.settling import settle_done

_log = logging.getLogger("eventlite.jobs")


def store(session: Session, reports: Sequence[Report], now: int) -> None:
    """Store what became of these attempts; those that ended well in one statement."""
    done, others = [], []
    for report in reports:
        if report.attempt.settled:
            _tell_if_failed(report)
        elif report.outcome.kind == "done":
            done.append(report)
        else:
            others.append(report)
    kept = settle_done(session, [one.attempt.done(one.outcome.result) for one in done], now)
    late = [one for one in done if one.attempt.claim.id not in kept]
    late += [one for one in others if not one.attempt.settle(session, one.outcome, now) and one.attempt.was_begun]
    for report in late:
        _log.warning("%r came too late: its lease was over, and its outcome is not kept", report.attempt)


def _tell_if_failed(report: Report) -> None:
    """Its transaction has marked the job done already."""
    if report.outcome.kind != "done":
        _log.warning("%r failed after it was done: %s", report.attempt, report.outcome.error)
