"""Many threads, and the end."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from time import sleep
from typing import Any

import pytest

from eventlite.contracts import Host, JobDispatcher
from eventlite.errors import JobError
from eventlite.event import NewEvent
from eventlite.testing.jobs_base import (
    JobSuite,
    info_of,
    on_placed,
)


class JobConcurrencyContract(JobSuite):
    """Whatever the threads do, every job is done once."""

    # Threads.

    @pytest.mark.parametrize("workers", [4])
    def test_jobs_enqueued_by_many_threads_while_running_are_all_done_once(
        self, dispatcher: JobDispatcher, ran: list[Any]
    ) -> None:
        def enqueue(thread: int) -> list[str]:
            barrier.wait(10)
            return [dispatcher.enqueue("note", {"n": (thread, n)}, priority=n % 3) for n in range(50)]

        dispatcher.worker("note")(lambda job: ran.append(tuple(job.data["n"])))
        barrier = Barrier(9)
        with ThreadPoolExecutor(8) as pool:
            results = [pool.submit(enqueue, thread) for thread in range(8)]
            barrier.wait(10)
            while not all(result.done() for result in results):
                dispatcher.run_until_idle()
        dispatcher.run_until_idle()
        assert Counter(ran) == Counter((thread, n) for thread in range(8) for n in range(50))
        assert len({id for result in results for id in result.result()}) == 400
        assert dispatcher.stats()["done"] == 400

    @pytest.mark.parametrize("workers", [4])
    def test_two_calls_at_once_share_the_work(self, dispatcher: JobDispatcher, host: Host, ran: list[Any]) -> None:
        def run(_: int) -> int:
            barrier.wait(10)
            return dispatcher.run_until_idle()

        on_placed(dispatcher, ran)
        host.append_many([NewEvent("placed", {"n": n}) for n in range(200)])
        barrier = Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            attempts = list(pool.map(run, range(4)))
        assert (sum(attempts), sorted(ran)) == (200, list(range(200)))

    @pytest.mark.parametrize("workers", [2])
    def test_as_many_jobs_run_at_once_as_there_are_workers(self, dispatcher: JobDispatcher) -> None:
        met = Barrier(2)
        dispatcher.worker("meet")(lambda _job: met.wait(10))
        ids = [dispatcher.enqueue("meet") for _ in range(2)]
        dispatcher.run_until_idle()
        assert [info_of(dispatcher, id).state for id in ids] == ["done", "done"]

    # Closing.

    def test_closing_waits_for_the_job_that_runs(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        begun = Event()

        @dispatcher.worker("slow")
        def slow(_job: Any) -> None:
            begun.set()
            sleep(0.2)  # long enough for a `close` that does not wait to be caught
            ran.append(dispatcher.enqueue("slow"))  # what still runs may still enqueue

        dispatcher.enqueue("slow")
        runner = Thread(target=dispatcher.run_until_idle)
        runner.start()
        assert begun.wait(10)
        dispatcher.close()
        assert len(ran) == 1  # and what it enqueued was not begun
        runner.join(10)
        assert not runner.is_alive()

    def test_a_closed_dispatcher_refuses_work(self, dispatcher: JobDispatcher) -> None:
        dispatcher.close()
        dispatcher.close()
        with pytest.raises(JobError, match="closed"):
            dispatcher.enqueue("tick")
        with pytest.raises(JobError, match="closed"):
            dispatcher.run_until_idle()
