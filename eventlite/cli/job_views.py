"""How jobs are shown: as JSON and as text for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eventlite.cli.events import iso
from eventlite.cli.output import note, print_line, safe, stdout, table, to_json
from eventlite.contracts import Durations, JobCapabilities, JobInfo, JobStatistics, QueueInfo, ScheduleInfo
from eventlite.contracts.jobs import JOB_STATES, meanings
from eventlite.event import to_iso

_TIMES = ("enqueued", "due", "started", "finished")


def job_json(job: JobInfo) -> dict[str, Any]:
    """All that is known of a job; times as ISO text."""
    progress = None if job.progress is None else job.progress._asdict()
    failures = [{**failure._asdict(), "at": to_iso(failure.at)} for failure in job.failures]
    times = {name: iso(getattr(job, name)) for name in _TIMES}
    return {**asdict(job), **times, "progress": progress, "failures": failures}


def schedule_json(schedule: ScheduleInfo) -> dict[str, Any]:
    """A recurring job; times as ISO text."""
    return {**schedule._asdict(), "next": to_iso(schedule.next), "last": iso(schedule.last)}


def statistics_json(statistics: JobStatistics) -> dict[str, Any]:
    """Statistics; times as ISO text, durations in seconds."""
    wait, run = (None if one is None else one._asdict() for one in (statistics.wait, statistics.run))
    return {**asdict(statistics), "oldest_pending": iso(statistics.oldest_pending), "wait": wait, "run": run}


def show_jobs(jobs: Sequence[JobInfo]) -> None:
    """A line for each job."""
    if not jobs:
        note("There is no such job.")
        return
    shown = table("id", "job", "queue", "state", "attempts", "due", "error", numbers=("id",))
    for job in jobs:
        attempts = f"{job.attempts} of {job.max_attempts}"
        error = safe(job.error or "-")
        shown.add_row(safe(job.id), safe(job.name), safe(job.queue), job.state, attempts, to_iso(job.due), error)
    stdout().print(shown)


def show_job(job: JobInfo) -> None:
    """All that is known of one job, a line each."""
    width = max(len(name) for name, _ in _facts(job))
    for name, text in _facts(job):
        print_line(f"{name.ljust(width)}  {safe(text)}")


def _facts(job: JobInfo) -> Iterator[tuple[str, str]]:
    yield "id", job.id
    yield "job", job.name
    yield "queue", job.queue
    yield "state", job.state
    yield "attempts", f"{job.attempts} of {job.max_attempts}"
    yield "priority", str(job.priority)
    for name in _TIMES:
        yield name, iso(getattr(job, name)) or "-"
    yield "data", to_json(job.data).decode()
    yield "result", to_json(job.result).decode()
    if job.unique is not None:
        yield "unique", job.unique
    if job.progress is not None:
        yield "progress", f"{job.progress.done:.0%} {job.progress.note}".rstrip()
    for failure in job.failures:
        yield f"attempt {failure.attempt}", f"{to_iso(failure.at)} {failure.error}"


def show_queues(queues: Sequence[QueueInfo]) -> None:
    """A line for each queue."""
    shown = table("queue", "state", "limit", "pending", "running", numbers=("limit", "pending", "running"))
    for queue in queues:
        limit = "-" if queue.limit is None else f"{queue.limit:,}"
        state = "paused" if queue.paused else "open"
        shown.add_row(safe(queue.name), state, limit, f"{queue.pending:,}", f"{queue.running:,}")
    stdout().print(shown)


def show_schedules(schedules: Sequence[ScheduleInfo]) -> None:
    """A line for each recurring job."""
    shown = table("recurring", "job", "rule", "next", "last")
    for one in schedules:
        shown.add_row(safe(one.name), safe(one.job), safe(one.rule), to_iso(one.next), iso(one.last) or "-")
    stdout().print(shown)


def show_counts(counts: Mapping[str, int]) -> None:
    """A line for each state."""
    shown = table("state", "jobs", numbers=("jobs",))
    for state, count in counts.items():
        shown.add_row(state, f"{count:,}")
    stdout().print(shown)


def show_statistics(statistics: JobStatistics) -> None:
    """By name, then how jobs fared."""
    shown = table("job", *JOB_STATES, numbers=JOB_STATES)
    for name, counts in statistics.by_name.items():
        shown.add_row(safe(name), *(f"{counts.get(state, 0):,}" for state in JOB_STATES))
    stdout().print(shown)
    print_line(f"oldest pending   {iso(statistics.oldest_pending) or '-'}")
    print_line(f"done per minute  {statistics.done_per_minute:,.2f}")
    print_line(f"dead per minute  {statistics.dead_per_minute:,.2f}")
    print_line(f"waited           {_durations(statistics.wait)}")
    print_line(f"ran              {_durations(statistics.run)}")


def show_capabilities(can: JobCapabilities) -> None:
    """A line for each capability."""
    shown = table("capability", "", "what it means")
    for name, meaning in meanings().items():
        shown.add_row(name, "yes" if getattr(can, name) else "no", meaning)
    stdout().print(shown)
    print_line(f"The longest name has {can.max_name} characters.")


def _durations(found: Durations | None) -> str:
    if found is None:
        return "-"
    return f"{found.mean:.3f} s on average, {found.median:.3f} s in the middle, 95 of 100 within {found.most:.3f} s"
