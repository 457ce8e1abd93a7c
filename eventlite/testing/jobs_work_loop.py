"""A loop that works until it is stopped."""

from __future__ import annotations

from threading import Event, Thread
from typing import Any

import pytest

from eventlite.contracts import JobDispatcher
from eventlite.errors import JobError
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import PATIENCE, JobSuite, info_of, needs


class WorkLoopContract(JobSuite):
    """A loop runs what comes, ends when it is told to, and loses nothing by that."""

    def test_a_work_loop_runs_what_comes_until_it_is_stopped(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        if not dispatcher.capabilities.work_loop:
            with pytest.raises(JobError, match="work_loop"):
                dispatcher.work(Event())
            left_out("work_loop")
        done, stop = Event(), Event()

        @dispatcher.worker("note")
        def note(job: Any) -> None:
            ran.append(job.data["n"])
            done.set()

        thread = Thread(target=dispatcher.work, args=(stop,))
        thread.start()
        for n in range(3):
            dispatcher.enqueue("note", {"n": n})
            assert done.wait(PATIENCE)
            done.clear()
        stop.set()
        thread.join(PATIENCE)
        assert (thread.is_alive(), ran) == (False, [0, 1, 2])

    def test_draining_finishes_what_runs_and_begins_nothing(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        needs(dispatcher, "work_loop")
        begun, released = Event(), Event()

        @dispatcher.worker("slow")
        def slow(job: Any) -> None:
            begun.set()
            released.wait(PATIENCE)
            ran.append(job.data["n"])

        ids = [dispatcher.enqueue("slow", {"n": n}) for n in range(2)]
        thread = Thread(target=dispatcher.work, args=(Event(),))
        thread.start()
        assert begun.wait(PATIENCE)
        dispatcher.drain()
        released.set()
        thread.join(PATIENCE)
        assert (thread.is_alive(), ran) == (False, [0])
        assert [info_of(dispatcher, id).state for id in ids] == ["done", "pending"]

    def test_stopping_at_once_puts_running_jobs_back(self, dispatcher: JobDispatcher) -> None:
        if not dispatcher.capabilities.releases:
            with pytest.raises(JobError, match="releases"):
                dispatcher.stop_now()
            left_out("releases")
        begun, released = Event(), Event()

        @dispatcher.worker("slow")
        def slow(_job: Any) -> None:
            begun.set()
            released.wait(PATIENCE)

        id = dispatcher.enqueue("slow")
        thread = Thread(target=dispatcher.work, args=(Event(),))
        thread.start()
        assert begun.wait(PATIENCE)
        dispatcher.stop_now()
        thread.join(PATIENCE)
        assert (thread.is_alive(), info_of(dispatcher, id).state) == (False, "pending")
        released.set()
        dispatcher.run_until_idle()
        assert (info_of(dispatcher, id).state, info_of(dispatcher, id).attempts) == ("done", 2)
