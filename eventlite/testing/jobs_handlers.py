"""What a worker's function may be, and what it may do while it runs."""

from __future__ import annotations

import asyncio
import os
from threading import Event, Thread
from typing import Any

import pytest

from eventlite.contracts import JobCancelled, JobDispatcher
from eventlite.errors import JobError
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import PATIENCE, Advance, JobSuite, drain, info_of, needs, nothing, process_id


class HandlersContract(JobSuite):
    """Async functions, processes and timeouts; a handler that reports, puts itself off, or is asked to stop."""

    def test_a_job_can_put_itself_off(self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]) -> None:
        needs(dispatcher, "snooze")

        @dispatcher.worker("patient")
        def patient(job: Any) -> Any:
            ran.append(job.attempt)
            if len(ran) == 1:
                return job.snooze(60)
            if len(ran) == 2:
                raise job.snooze(60)
            return "done"

        id = dispatcher.enqueue("patient")
        for expected in (1, 2, 3):
            dispatcher.run_until_idle()
            assert len(ran) == expected
            advance(61)
        assert (ran, info_of(dispatcher, id).state, info_of(dispatcher, id).attempts) == ([1, 1, 1], "done", 1)

    def test_a_worker_that_overruns_its_timeout_has_failed(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        if not dispatcher.capabilities.timeouts:
            with pytest.raises(JobError, match="timeout"):
                dispatcher.worker("slow", timeout=1)(nothing)
            left_out("timeouts")
        released = Event()
        dispatcher.worker("slow", timeout=0.1)(lambda _job: released.wait(10))
        id = dispatcher.enqueue("slow")
        drain(dispatcher, advance)
        released.set()
        assert info_of(dispatcher, id).state == "dead"
        assert "TimeoutError" in (info_of(dispatcher, id).error or "")

    @pytest.mark.parametrize("timeout", [0, -1, float("nan"), "1", True])
    def test_timeouts_that_are_no_time_are_refused(self, dispatcher: JobDispatcher, timeout: Any) -> None:
        with pytest.raises(JobError, match="timeout"):
            dispatcher.worker("slow", timeout=timeout)(nothing)

    def test_async_functions_run_side_by_side(self, dispatcher: JobDispatcher) -> None:
        needs(dispatcher, "asynchronous")

        @dispatcher.worker("later", retries=0)
        async def later(job: Any) -> Any:
            await asyncio.sleep(0)
            return job.data["n"] + 1

        @dispatcher.worker("fails")
        async def fails(_job: Any) -> None:
            raise ValueError("no")

        id, dead = dispatcher.enqueue("later", {"n": 1}), dispatcher.enqueue("fails")
        dispatcher.run_until_idle()
        assert info_of(dispatcher, id).result == 2
        assert info_of(dispatcher, dead).error == "ValueError: no"

    def test_an_async_function_that_overruns_its_timeout_is_cancelled(self, dispatcher: JobDispatcher) -> None:
        needs(dispatcher, "asynchronous", "timeouts")
        ended = Event()

        @dispatcher.worker("slow", timeout=0.05)
        async def slow(_job: Any) -> None:
            try:
                await asyncio.sleep(PATIENCE)
            finally:
                ended.set()

        id = dispatcher.enqueue("slow")
        dispatcher.run_until_idle()
        assert ended.wait(PATIENCE)
        assert (info_of(dispatcher, id).state, info_of(dispatcher, id).error) == (
            "dead",
            "TimeoutError: the attempt took longer than its timeout, 0.05 seconds",
        )

    def test_a_worker_can_run_in_a_process_of_its_own(self, dispatcher: JobDispatcher) -> None:
        if not dispatcher.capabilities.processes:
            with pytest.raises(JobError, match="processes"):
                dispatcher.worker("apart", process=True)
            left_out("processes")
        dispatcher.worker("apart", process=True)(process_id)
        id = dispatcher.enqueue("apart")
        dispatcher.run_until_idle()
        assert info_of(dispatcher, id).state == "done"
        assert info_of(dispatcher, id).result not in (None, os.getpid())

    @pytest.mark.parametrize("kind", ["plain", "async"])
    def test_a_running_job_can_be_asked_to_stop(self, dispatcher: JobDispatcher, kind: str) -> None:
        needs(dispatcher, "cancels_running")
        begun = Event()

        def plain(job: Any) -> None:
            begun.set()
            for _ in range(int(PATIENCE * 100)):
                Event().wait(0.01)
                job.check()

        async def asynchronous(_job: Any) -> None:
            begun.set()
            await asyncio.sleep(PATIENCE)

        dispatcher.worker("long", retries=3)(plain if kind == "plain" else asynchronous)
        id = dispatcher.enqueue("long")
        runner = Thread(target=dispatcher.run_until_idle)
        runner.start()
        assert begun.wait(PATIENCE)
        assert dispatcher.cancel(id) is True
        runner.join(PATIENCE)
        assert (runner.is_alive(), info_of(dispatcher, id).state) == (False, "cancelled")

    def test_a_handler_can_end_its_job_as_cancelled(self, dispatcher: JobDispatcher) -> None:
        needs(dispatcher, "cancels_running")

        @dispatcher.worker("obsolete", retries=3)
        def obsolete(_job: Any) -> None:
            raise JobCancelled("nobody wants it any more")

        id = dispatcher.enqueue("obsolete")
        dispatcher.run_until_idle()
        assert info_of(dispatcher, id).state == "cancelled"

    def test_a_handler_reports_how_far_it_is(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        needs(dispatcher, "progress")

        @dispatcher.worker("long")
        def long(job: Any) -> None:
            job.progress(0.5, "half")
            ran.append(info_of(dispatcher, job.id).progress)
            for wrong in (2, -1, "half", float("nan")):
                with pytest.raises(JobError, match="progress"):
                    job.progress(wrong)

        id = dispatcher.enqueue("long")
        dispatcher.run_until_idle()
        assert (ran, info_of(dispatcher, id).state) == ([(0.5, "half")], "done")
