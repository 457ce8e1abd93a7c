"""Several dispatchers on one store, and workers that are lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import Any

import pytest

from eventlite.contracts import Host, JobDispatcher
from eventlite.errors import JobError
from eventlite.event import NewEvent
from eventlite.testing.jobs_base import DAY, PATIENCE, Advance, JobSuite, drain, info_of, needs, on_placed


class SeveralContract(JobSuite):
    """Whoever runs a job, it is done once; and it is done, even when a worker is lost."""

    def test_the_job_of_a_lost_worker_runs_again_after_its_lease(
        self, dispatcher: JobDispatcher, host: Host, advance: Advance, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable", "leases")
        other: JobDispatcher = request.getfixturevalue("reopen")()
        begun, released = Event(), Event()

        def slow(job: Any) -> str:
            begun.set()
            released.wait(PATIENCE)
            if dispatcher.capabilities.transactional:
                with pytest.raises(JobError, match="any more"), job.transaction() as transaction:
                    transaction.append(host.prepare([NewEvent("twice")]))
            return "late"

        def quick(job: Any) -> str:
            ran.append(job.attempt)
            return "in time"

        dispatcher.worker("slow", retries=1)(slow)
        other.worker("slow", retries=1)(quick)
        id = dispatcher.enqueue("slow")
        runner = Thread(target=dispatcher.run_until_idle)
        runner.start()
        assert begun.wait(PATIENCE)
        assert other.run_until_idle() == 0  # the lease holds
        advance(DAY)
        assert other.run_until_idle() == 1
        released.set()
        runner.join(PATIENCE)
        done = info_of(other, id)
        assert (runner.is_alive(), ran, done.state, done.result, done.attempts) == (False, [2], "done", "in time", 2)
        assert host.storage.head() == 0
        other.close()

    def test_a_job_that_loses_every_worker_is_dead_at_last(
        self, dispatcher: JobDispatcher, advance: Advance, request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable", "leases")
        other: JobDispatcher = request.getfixturevalue("reopen")()
        begun, released = Event(), Event()

        @dispatcher.worker("killer")
        def killer(_job: Any) -> None:
            begun.set()
            released.wait(PATIENCE)

        other.worker("fine")(lambda _job: None)
        id, fine = dispatcher.enqueue("killer", priority=1), dispatcher.enqueue("fine", delay=60)
        runner = Thread(target=dispatcher.run_until_idle)
        runner.start()
        assert begun.wait(PATIENCE)
        advance(DAY)
        other.run_until_idle()
        released.set()
        runner.join(PATIENCE)
        assert [info_of(other, one).state for one in (id, fine)] == ["dead", "done"]
        assert "lease" in (info_of(other, id).error or "")
        other.close()

    def test_of_many_that_enqueue_a_unique_job_one_does(
        self, dispatcher: JobDispatcher, request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable", "unique")
        other: JobDispatcher = request.getfixturevalue("reopen")()
        barrier = Barrier(8)

        def race(n: int) -> set[str]:
            found = set()
            for round in range(20):
                barrier.wait(PATIENCE)
                found.add((dispatcher, other)[n % 2].enqueue("note", {"n": n}, unique=f"round {round}"))
            return found

        with ThreadPoolExecutor(8) as pool:
            ids = set.union(*pool.map(race, range(8)))
        assert len(ids) == dispatcher.stats()["total"] == 20
        other.close()

    def test_each_event_makes_one_job_whoever_follows(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable", "work_loop")
        other: JobDispatcher = request.getfixturevalue("reopen")()
        for one in (dispatcher, other):
            on_placed(one, ran)
        stop = Event()
        threads = [Thread(target=one.work, args=(stop,)) for one in (dispatcher, other)]
        for thread in threads:
            thread.start()
        for n in range(100):
            host.append_many([NewEvent("placed", {"n": n})])
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)
        dispatcher.run_until_idle()
        other.run_until_idle()
        assert sorted(ran) == list(range(100))
        other.close()

    def test_a_low_priority_waits_its_time_and_no_longer(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        needs(dispatcher, "aging")
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        dispatcher.enqueue("note", {"n": "patient"})
        advance(DAY)
        for n in range(3):
            dispatcher.enqueue("note", {"n": n}, priority=5)
        dispatcher.run_until_idle()
        assert ran == ["patient", 0, 1, 2]

    def test_every_job_of_a_crowd_is_done_once(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable")
        other: JobDispatcher = request.getfixturevalue("reopen")()
        for one in (dispatcher, other):
            one.worker("note")(lambda job: ran.append(job.data["n"]))
        dispatcher.enqueue_many("note", [{"n": n} for n in range(300)])
        with ThreadPoolExecutor(2) as pool:
            attempts = list(pool.map(lambda one: one.run_until_idle(), (dispatcher, other)))
        assert (sum(attempts), sorted(ran)) == (300, list(range(300)))
        assert drain(other, advance) == 0
        other.close()
