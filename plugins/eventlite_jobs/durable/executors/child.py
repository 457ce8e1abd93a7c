"""What runs in a process of its own: it takes attempts, one after the other, and says what became of each.

Messages are JSON. To the child: {"module", "function", "id", "name", "queue", "data", "attempt"}, `data` as its JSON
text. From the child: {"kind": "ready"} once it has started; any number of {"kind": "progress", "done", "note"}; then
"done" with a `result` as of `result_text`, "failed" with an `error`, "snoozed" with `seconds`, or "cancelled".
"""

from __future__ import annotations

import asyncio
import inspect
import os
import signal
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn

import orjson

from eventlite import JobError
from eventlite.contracts import JobCancelled, Snooze
from eventlite.jsontext import decode_object
from eventlite_jobs.checks import checked_progress, delay_microseconds
from eventlite_jobs.texts import error_text, result_text


@dataclass(frozen=True, slots=True)
class ProcessJob:
    """A `RunningJob` as far as it can be one without the store."""

    connection: Connection
    id: str
    name: str
    queue: str
    data: dict[str, Any]
    attempt: int
    #: A job that should stop is ended with its process.
    cancelled: bool = False

    def check(self) -> None:
        """Nothing to raise: a job that should stop is ended with its process."""

    def progress(self, done: float, note: str = "") -> None:
        """Say how far it is, from 0 to 1."""
        checked_progress(done, note)
        _send(self.connection, kind="progress", done=done, note=note)

    def snooze(self, seconds: float) -> Snooze:
        """What to return or raise in order to be called again later."""
        return Snooze(seconds)

    def transaction(self, result: Any = None) -> NoReturn:  # noqa: ARG002 - refused whatever it is
        """Refused: the store is open in another process."""
        raise JobError(
            "a job in a process of its own has no transaction of the store",
            hint="Leave `process` out for workers that write to the store.",
        )


def serve(connection: Connection) -> None:
    """Do what is asked until the other side is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        # The parent decides, also when a signal was meant for the whole group.
        signal.signal(number, lambda _number, _frame: None)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        _send(connection, kind="ready")
        while True:
            _send(connection, **_attempted(connection, orjson.loads(connection.recv_bytes())))


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _attempted(connection: Connection, request: dict[str, Any]) -> dict[str, Any]:
    module, function = request.pop("module"), request.pop("function")
    try:
        job = ProcessJob(connection, **{**request, "data": decode_object(request["data"])})
        return _returned(_called(reduce(getattr, function.split("."), import_module(module)), job))
    except Snooze as snooze:
        return _snoozed(snooze)
    except JobCancelled:
        return {"kind": "cancelled"}
    except BaseException as error:  # whatever a handler raises is kept with its job
        return {"kind": "failed", "error": error_text(error)}


def _called(function: Any, job: ProcessJob) -> Any:
    return asyncio.run(function(job)) if inspect.iscoroutinefunction(function) else function(job)


def _returned(result: Any) -> dict[str, Any]:
    return _snoozed(result) if isinstance(result, Snooze) else {"kind": "done", "result": result_text(result)}


def _snoozed(snooze: Snooze) -> dict[str, Any]:
    try:
        return {"kind": "snoozed", "seconds": delay_microseconds(snooze.seconds) / 1_000_000}
    except JobError as error:
        return {"kind": "failed", "error": error_text(error)}


def _send(connection: Connection, **message: Any) -> None:
    connection.send_bytes(orjson.dumps(message))
