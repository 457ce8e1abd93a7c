"""Functions in processes of their own, which are killed when they should stop, and replaced when they are gone."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from queue import SimpleQueue
from typing import Any

import orjson

from eventlite import EventLiteError, JobError
from eventlite.contracts import JobCancelled, Snooze
from eventlite.jsontext import decode_object
from eventlite_jobs.durable.attempt import Attempt
from eventlite_jobs.durable.endings import Report, raised, returned
from eventlite_jobs.durable.executors.child import serve
from eventlite_jobs.durable.settling import Outcome

#: Seconds that a process has to start, before a timeout of its attempt begins.
_STARTING = 60.0

#: Seconds that a process has to end once nothing is asked of it any more.
_PATIENCE = 2.0

_SPAWN = multiprocessing.get_context("spawn")


class ProcessExecutor:
    """As many processes as attempts run at once, each with a thread here that talks to it.

    Processes are spawned, never forked: an open store must not be inherited.
    """

    def __init__(self, report: Callable[[Report], None]) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._idle: list[Slot] = []
        self._busy: dict[Attempt, Slot] = {}
        self._closed = False

    def start(self, attempt: Attempt) -> None:
        """Give it to a process that is idle, or to a new one."""
        if attempt.deadline is not None:
            attempt.deadline += _STARTING
        with self._lock:
            slot = self._idle.pop() if self._idle else Slot(self._over, self._free)
            self._busy[attempt] = slot
        slot.attempts.put(attempt)

    def interrupt(self, attempt: Attempt) -> None:
        """Kill its process."""
        with self._lock:
            slot = self._busy.get(attempt)
            if slot is not None:
                slot.kill()

    def close(self) -> None:
        """End the processes that are idle, and kill the others."""
        with self._lock:
            self._closed = True
            slots = [*self._idle, *self._busy.values()]
            for slot in self._busy.values():
                slot.kill()
        for slot in slots:
            slot.attempts.put(None)
        for slot in slots:
            slot.thread.join(2 * _PATIENCE)

    def _over(self, attempt: Attempt) -> None:
        with self._lock:
            del self._busy[attempt]

    def _free(self, slot: Slot, report: Report) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(slot)
        self._report(report)


class Slot:
    """A thread that has one attempt after the other done by a process, and starts another one when that is gone."""

    def __init__(self, over: Callable[[Attempt], None], free: Callable[[Slot, Report], None]) -> None:
        self.attempts: SimpleQueue[Attempt | None] = SimpleQueue()
        self._over = over
        self._free = free
        self._lock = threading.Lock()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None
        self._killed = False
        self.thread = threading.Thread(target=self._run, name="eventlite-process-job", daemon=True)
        self.thread.start()

    def kill(self) -> None:
        """End the attempt that runs, with its process, or before it has one."""
        with self._lock:
            self._killed = True
            if self._process is not None:
                self._process.kill()

    def _run(self) -> None:
        while (attempt := self.attempts.get()) is not None:
            report = self._attempted(attempt)
            self._over(attempt)  # from here on nobody kills on its behalf
            if self._killed:
                self._dismiss()
                self._killed = False
            self._free(self, report)
        self._dismiss()

    def _attempted(self, attempt: Attempt) -> Report:
        try:
            connection = self._ready_connection()
            if attempt.worker is not None and attempt.worker.timeout is not None:
                attempt.deadline = time.monotonic() + attempt.worker.timeout
            connection.send_bytes(_request(attempt))
            while True:
                message = orjson.loads(connection.recv_bytes())
                if message["kind"] != "progress":
                    return _report(attempt, message)
                with suppress(EventLiteError):  # the work goes on, whatever is known of it
                    attempt.progress(message["done"], message["note"])
        except (EOFError, OSError):
            code = self._dismiss()
            return raised(attempt, JobError(f"its process ended before it was done, with exit code {code}"))

    def _ready_connection(self) -> Connection:
        """The connection to a process that runs; raises EOFError or OSError if there is none to be had."""
        if self._connection is None or self._process is None or not self._process.is_alive():
            self._dismiss()
            self._connection = self._spawn()
            if not self._connection.poll(_STARTING):
                self.kill()
            self._connection.recv_bytes()
        return self._connection

    def _spawn(self) -> Connection:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=serve, args=(theirs,), name="eventlite-job", daemon=True)
        with self._lock:
            if self._killed:
                raise EOFError
            process.start()
            self._process = process
        theirs.close()
        return ours

    def _dismiss(self) -> int | None:
        """End the process, if there is one, and say with which code it ended."""
        if self._connection is not None:
            self._connection.close()
        with self._lock:
            process, self._process, self._connection = self._process, None, None
        if process is None:
            return None
        process.join(_PATIENCE)
        if process.is_alive():
            process.kill()
            process.join()
        code = process.exitcode
        process.close()
        return code


def _request(attempt: Attempt) -> bytes:
    assert attempt.worker is not None
    handler, claim = attempt.worker.handler, attempt.claim
    where = {"module": handler.__module__, "function": handler.__qualname__}
    job = {"id": attempt.id, "name": claim.name, "queue": claim.queue, "data": claim.data, "attempt": claim.attempts}
    return orjson.dumps({**where, **job})


def _report(attempt: Attempt, message: dict[str, Any]) -> Report:
    match message["kind"]:
        case "done":
            return returned(attempt, decode_object(message["result"])["result"])
        case "snoozed":
            return raised(attempt, Snooze(message["seconds"]))
        case "cancelled":
            return raised(attempt, JobCancelled())
        case _:
            kind = "cancelled" if attempt.stopping == "cancelled" else "failed"
            return Report(attempt, Outcome(kind, error=message["error"]))
