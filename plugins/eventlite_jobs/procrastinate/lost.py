"""Jobs whose worker was lost: put back, dead when that was their last attempt, or done if their transaction was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.workers import Workers

_FIND = """
SELECT job.id, job.task_name, job.worker_id FROM procrastinate_jobs AS job
LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
WHERE job.status = 'doing' AND job.task_name = ANY(%(names)s)
  AND (%(queues)s::text[] IS NULL OR job.queue_name = ANY(%(queues)s))
  AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => %(lease)s))
"""
#: A statement of its own, so that the next one sees what a transaction that is about to end the job has written.
_LOCK = "SELECT FROM procrastinate_jobs WHERE id = %s FOR NO KEY UPDATE"
_END = """
UPDATE procrastinate_jobs
SET status = CASE WHEN EXISTS (SELECT FROM eventlite_job_outcomes WHERE job_id = %(id)s AND done) THEN 'succeeded'
                  WHEN abort_requested THEN 'aborted' WHEN attempts + 1 >= %(most)s THEN 'failed' ELSE 'todo'
             END::procrastinate_job_status,
    attempts = attempts + 1, abort_requested = false, scheduled_at = now()
WHERE id = %(id)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker)s
"""
_NOTE = """
INSERT INTO eventlite_job_outcomes (job_id, error) VALUES (%s, %s)
ON CONFLICT (job_id) DO UPDATE SET error = excluded.error WHERE NOT eventlite_job_outcomes.done
"""


def take_back(database: Database, workers: Workers, lease: float, queues: Sequence[str] | None) -> int:
    """End the attempts of workers without a heartbeat for `lease` seconds; how many, of jobs known here."""
    wanted = {"names": workers.names(), "queues": None if queues is None else list(queues), "lease": lease}
    with database.connection() as connection:
        found = connection.execute(_FIND, wanted).fetchall()
    return sum(_end(database, workers, *row) for row in found)


def _end(database: Database, workers: Workers, id: int, name: str, worker: Any) -> bool:
    end = {"id": id, "worker": worker, "most": workers.patience(name)}
    with database.transaction() as connection:
        connection.execute(_LOCK, (id,))
        ended = connection.execute(_END, end).rowcount == 1
        if ended:
            connection.execute(_NOTE, (id, "JobError: its worker was lost, and its lease ran out"))
    return ended
