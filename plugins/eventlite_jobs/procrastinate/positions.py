"""Up to which event each trigger is served, kept beside the jobs."""

from __future__ import annotations

from collections.abc import Sequence

from procrastinate.jobs import Job

from eventlite.contracts import DEFAULT_QUEUE, Transaction
from eventlite.jsontext import decode_object
from eventlite_jobs.procrastinate.database import Database
from eventlite_jobs.triggers import Wanted

_ADD = "INSERT INTO eventlite_job_triggers (name, position) VALUES (%s, %s) ON CONFLICT DO NOTHING"
_GET = "SELECT position FROM eventlite_job_triggers WHERE name = %s"
_MOVE = "UPDATE eventlite_job_triggers SET position = %s WHERE name = %s AND position = %s"


class TriggerTable:
    """The positions of triggers, beside procrastinate's tables: see `eventlite_jobs.positions.Ledger`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, name: str, position: int) -> int:
        """Where the trigger goes on: where it was, or at `position` if it is new."""
        with self._database.transaction() as connection:
            connection.execute(_ADD, (name, position))
            found = connection.execute(_GET, (name,)).fetchone()
        return position if found is None else int(found[0])

    def move(self, name: str, stored: int, position: int, wanted: Sequence[Wanted]) -> int:
        """Create the jobs and move on, unless another process has; where the trigger is now."""
        with self._database.transaction() as connection:
            if connection.execute(_MOVE, (position, name, stored)).rowcount:
                self._database.defer(connection, [_job(one) for one in wanted])
                return position
            found = connection.execute(_GET, (name,)).fetchone()
        return position if found is None else int(found[0])

    def add(self, wanted: Sequence[Wanted], transaction: Transaction | None = None) -> None:
        """Create jobs, in the transaction if there is one."""
        with self._database.writing(transaction) as connection:
            self._database.defer(connection, [_job(one) for one in wanted])


def _job(wanted: Wanted) -> Job:
    """A job that an event asks for."""
    data = decode_object(wanted.data)
    return Job(queue=DEFAULT_QUEUE, task_name=wanted.job, task_kwargs=data, lock=None, queueing_lock=None)
