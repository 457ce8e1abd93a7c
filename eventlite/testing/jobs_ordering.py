"""Delays, priorities, cancelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

import pytest

from eventlite.contracts import JobDispatcher
from eventlite.errors import JobError
from eventlite.testing.jobs_base import (
    Advance,
    JobSuite,
    drain,
    failing,
    info_of,
    nothing,
)


class OrderingContract(JobSuite):
    """What runs when, and what does not run at all."""

    # Delays, priorities, cancelling.

    def test_a_delayed_job_runs_when_it_is_due(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("later")(lambda job: ran.append(job.data["n"]))
        dispatcher.enqueue("later", {"n": 2}, delay=7200)
        dispatcher.enqueue("later", {"n": 1}, delay=3600.5)
        assert dispatcher.run_until_idle() == 0
        advance(3601)
        dispatcher.run_until_idle()
        assert ran == [1]
        advance(3600)
        dispatcher.run_until_idle()
        assert ran == [1, 2]

    @pytest.mark.parametrize("delay", [-1, float("nan"), float("inf"), "60", None, True, 10**30])
    def test_delays_that_are_no_time_are_refused(self, dispatcher: JobDispatcher, delay: Any) -> None:
        with pytest.raises(JobError, match="delay"):
            dispatcher.enqueue("later", delay=delay)
        assert dispatcher.stats()["total"] == 0

    def test_a_higher_priority_runs_first_and_equals_in_their_order(
        self, dispatcher: JobDispatcher, ran: list[Any]
    ) -> None:
        dispatcher.worker("note")(lambda job: ran.append((job.data["p"], job.data["n"])))
        for n in range(4):
            for priority in (0, 5, -3, 2**31 - 1):
                dispatcher.enqueue("note", {"p": priority, "n": n}, priority=priority)
        dispatcher.run_until_idle()
        assert ran == [(priority, n) for priority in (2**31 - 1, 5, 0, -3) for n in range(4)]

    def test_an_urgent_job_does_not_wait_for_those_enqueued_before(
        self, dispatcher: JobDispatcher, ran: list[Any]
    ) -> None:
        @dispatcher.worker("note")
        def note(job: Any) -> None:
            ran.append(job.data["n"])
            if job.data["n"] == 1:
                sleep(0.05)  # long enough for a dispatcher that takes jobs before it can run them to be caught
                dispatcher.enqueue("note", {"n": "urgent"}, priority=1)

        for n in (1, 2, 3):
            dispatcher.enqueue("note", {"n": n})
        dispatcher.run_until_idle()
        assert ran == [1, "urgent", 2, 3]

    @pytest.mark.parametrize("priority", ["high", 1.5, None, True, 2**31])
    def test_priorities_that_are_no_number_are_refused(self, dispatcher: JobDispatcher, priority: Any) -> None:
        with pytest.raises(JobError, match="priority"):
            dispatcher.enqueue("tick", priority=priority)
        assert dispatcher.stats()["total"] == 0

    def test_a_cancelled_job_does_not_run(self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]) -> None:
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        now_id, later_id, _ = (
            dispatcher.enqueue("note", {"n": 1}),
            dispatcher.enqueue("note", {"n": 2}, delay=60),
            dispatcher.enqueue("note", {"n": 3}),
        )
        assert (dispatcher.cancel(now_id), dispatcher.cancel(later_id)) == (True, True)
        drain(dispatcher, advance)
        assert ran == [3]
        cancelled = info_of(dispatcher, now_id)
        assert (cancelled.state, cancelled.attempts) == ("cancelled", 0)
        assert cancelled.finished is not None

    def test_a_job_that_waits_for_a_retry_can_be_cancelled(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=3)(failing(ran))
        id = dispatcher.enqueue("poison")
        dispatcher.run_until_idle()
        assert dispatcher.cancel(id) is True
        assert drain(dispatcher, advance) == 0
        assert (ran, info_of(dispatcher, id).state) == ([1], "cancelled")

    def test_only_pending_jobs_are_cancelled(self, dispatcher: JobDispatcher) -> None:
        dispatcher.worker("tick")(nothing)
        done, cancelled = dispatcher.enqueue("tick"), dispatcher.enqueue("tick")
        dispatcher.cancel(cancelled)
        dispatcher.run_until_idle()
        assert [dispatcher.cancel(id) for id in (done, cancelled, "no such job")] == [False, False, False]
        assert info_of(dispatcher, done).state == "done"

    def test_a_cancelled_job_put_back_runs_once(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        id = dispatcher.enqueue("note", {"n": 1}, delay=60)
        dispatcher.cancel(id)
        assert dispatcher.retry(id) is True
        assert dispatcher.run_until_idle() == 1  # the delay is over with the first life
        drain(dispatcher, advance)
        assert ran == [1]

    def test_a_job_put_back_waits_between_its_attempts_as_before(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(failing(ran))
        id = dispatcher.enqueue("poison")
        dispatcher.cancel(id)
        dispatcher.retry(id)
        assert dispatcher.run_until_idle() == 1
        assert drain(dispatcher, advance) == 1
        assert ran == [1, 2]

    def test_a_time_to_run_at(self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]) -> None:
        dispatcher.worker("note")(lambda job: ran.append(job.data))
        start = info_of(dispatcher, dispatcher.enqueue("other", delay=1)).enqueued
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=start + 60_000_000)
        id = dispatcher.enqueue("note", run_at=moment)
        assert info_of(dispatcher, id).due == start + 60_000_000
        dispatcher.run_until_idle()
        assert ran == []
        advance(61)
        dispatcher.run_until_idle()
        assert ran == [{}]

    @pytest.mark.parametrize("run_at", ["tomorrow", datetime(2030, 1, 1), 7, datetime(9999, 1, 1, tzinfo=UTC)], ids=str)
    def test_times_that_are_none_are_refused(self, dispatcher: JobDispatcher, run_at: Any) -> None:
        with pytest.raises(JobError, match="run_at"):
            dispatcher.enqueue("note", run_at=run_at)
        with pytest.raises(JobError, match="delay"):
            dispatcher.enqueue("note", run_at=datetime(2030, 1, 1, tzinfo=UTC), delay=1)
