"""How EventLite's workers look to procrastinate: every name is a task."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from procrastinate import App, BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.jobs import Job
from procrastinate.tasks import Task

from eventlite.contracts import DEFAULT_QUEUE
from eventlite_jobs.procrastinate.attempt import AttemptFailedError

Make: TypeAlias = Callable[[JobContext], Awaitable[None]]

#: Under which name our workers are known to procrastinate.
WORKER = "eventlite"


class _WhenTold(BaseRetryStrategy):
    """Tries again when the attempt says so."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:  # noqa: ARG002
        retry_at = exception.retry_at if isinstance(exception, AttemptFailedError) else None
        return None if retry_at is None else RetryDecision(retry_at=retry_at)


class _AnyTask(Task[Any, Any, Any]):
    """Gets the job's data from its context: as keywords they might clash with a parameter's name."""

    def __call__(self, context: JobContext, /, **_data: Any) -> Any:
        return self.func(context)


class AllTasks(dict[str, Task[Any, Any, Any]]):
    """Has a task for every name: procrastinate buries a job at once if it does not know its task."""

    def __init__(self, app: App, make: Make) -> None:
        super().__init__(app.tasks)
        self._app = app
        self._make = make

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002
        return self[name]

    def __missing__(self, name: str) -> Task[Any, Any, Any]:
        return _AnyTask(
            self._make, blueprint=self._app, name=name, queue=DEFAULT_QUEUE, pass_context=True, retry=_WhenTold()
        )


def _not_ours(record: logging.LogRecord) -> bool:
    """Whether a worker other than ours has something to say: data of jobs stays out of logs."""
    worker = getattr(record, "worker", None)
    return not (isinstance(worker, dict) and worker.get("name") == WORKER)


for _name in ("procrastinate.worker", f"procrastinate.worker.{WORKER}"):
    logging.getLogger(_name).addFilter(_not_ours)
