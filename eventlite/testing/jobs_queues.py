"""Queues of their own, and jobs of which there is one at a time."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import JobDispatcher
from eventlite.errors import JobError
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import JobSuite, failing, info_of, needs


class QueuesContract(JobSuite):
    """A job waits where it was put; of a unique one there is no second."""

    def test_of_a_unique_job_there_is_one_at_a_time(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        if not dispatcher.capabilities.unique:
            with pytest.raises(JobError, match="unique"):
                dispatcher.enqueue("note", unique="a")
            left_out("unique")
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        first = dispatcher.enqueue("note", {"n": 1}, unique="a")
        assert dispatcher.enqueue("note", {"n": 2}, unique="a") == first
        assert dispatcher.enqueue("note", {"n": 3}, unique="b") != first
        assert dispatcher.enqueue("other", {"n": 4}, unique="a") != first
        dispatcher.run_until_idle()
        assert ran == [1, 3]
        assert dispatcher.enqueue("note", {"n": 5}, unique="a") != first

    def test_a_job_can_be_unique_by_its_data(self, dispatcher: JobDispatcher) -> None:
        needs(dispatcher, "unique")
        first = dispatcher.enqueue("note", {"a": 1, "b": 2}, unique=True)
        assert dispatcher.enqueue("note", {"b": 2, "a": 1}, unique=True) == first
        assert dispatcher.enqueue("note", {"a": 1, "b": 3}, unique=True) != first
        with pytest.raises(JobError, match="unique"):
            dispatcher.enqueue("note", unique="")

    def test_a_dead_unique_job_is_not_put_back_beside_another(self, dispatcher: JobDispatcher) -> None:
        needs(dispatcher, "unique")
        dispatcher.worker("poison")(failing([]))
        id = dispatcher.enqueue("poison", unique="a")
        dispatcher.run_until_idle()
        other = dispatcher.enqueue("poison", unique="a", delay=60)
        assert dispatcher.retry(id) is False
        dispatcher.cancel(other)
        assert dispatcher.retry(id) is True

    def test_a_paused_queue_holds_back_its_jobs_and_no_others(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        if not dispatcher.capabilities.pausing:
            with pytest.raises(JobError, match="pausing"):
                dispatcher.pause("slow")
            with pytest.raises(JobError, match="pausing"):
                dispatcher.limit("slow", 1)
            left_out("pausing")
        dispatcher.worker("note")(lambda job: ran.append(job.queue))
        dispatcher.pause("slow")
        id = dispatcher.enqueue("note", queue="slow", priority=9)
        dispatcher.enqueue("note")
        dispatcher.run_until_idle()
        assert (ran, info_of(dispatcher, id).state) == (["default"], "pending")
        (queue,) = [one for one in dispatcher.queues() if one.name == "slow"]
        assert (queue.paused, queue.limit, queue.pending, queue.running) == (True, None, 1, 0)
        dispatcher.resume("slow")
        dispatcher.run_until_idle()
        assert ran == ["default", "slow"]

    @pytest.mark.parametrize("workers", [4])
    def test_a_queue_runs_no_more_jobs_at_once_than_its_limit(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        needs(dispatcher, "queues", "pausing")
        dispatcher.limit("narrow", 2)

        @dispatcher.worker("look")
        def look(_job: Any) -> None:
            ran.append(len(dispatcher.list(state="running")))

        for _ in range(20):
            dispatcher.enqueue("look", queue="narrow")
        dispatcher.run_until_idle()
        assert (len(ran), max(ran) <= 2) == (20, True)
        with pytest.raises(JobError, match="limit"):
            dispatcher.limit("narrow", 0)

    def test_priorities_hold_across_queues(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        if not dispatcher.capabilities.queues:
            with pytest.raises(JobError, match="queues"):
                dispatcher.enqueue("note", queue="slow")
            left_out("queues")
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        for n, (queue, priority) in enumerate([("a", 1), ("b", 3), ("a", 2), ("default", 4), ("b", 0)]):
            dispatcher.enqueue("note", {"n": n}, queue=queue, priority=priority)
        dispatcher.run_until_idle()
        assert ran == [3, 1, 2, 0, 4]
