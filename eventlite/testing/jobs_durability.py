"""What outlives the process, and what is kept of jobs that are over."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import Host, JobDispatcher
from eventlite.contracts.jobs import JOB_STATES
from eventlite.errors import JobError
from eventlite.event import NewEvent
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import Advance, JobSuite, drain, failing, info_of, needs, nothing, on_placed


class DurabilityContract(JobSuite):
    """A job survives whatever ends its process; of what is over, as much is kept as was asked for."""

    def test_jobs_and_triggers_survive_a_restart(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable")
        on_placed(dispatcher, ran)
        id = dispatcher.enqueue("note", {"n": 1})
        dispatcher.close()
        host.append_many([NewEvent("placed", {"n": 2})])
        again: JobDispatcher = request.getfixturevalue("reopen")()
        on_placed(again, ran)
        again.run_until_idle()
        assert (sorted(ran), info_of(again, id).state) == ([1, 2], "done")
        again.close()

    def test_failed_attempts_are_kept_with_their_job(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        needs(dispatcher, "history")
        dispatcher.worker("poison", retries=2)(failing([]))
        id = dispatcher.enqueue("poison")
        drain(dispatcher, advance)
        failures = info_of(dispatcher, id).failures
        assert [(one.attempt, one.error) for one in failures] == [
            (n, f"ValueError: attempt {n} failed") for n in (1, 2, 3)
        ]
        assert failures[0].at < failures[1].at < failures[2].at

    def test_finished_jobs_are_forgotten_by_number_and_by_age(
        self, dispatcher: JobDispatcher, advance: Advance
    ) -> None:
        if not dispatcher.capabilities.history:
            with pytest.raises(JobError, match="history"):
                dispatcher.prune()
            left_out("history")
        dispatcher.worker("tick")(nothing)
        ids = []
        for _ in range(5):
            ids.append(dispatcher.enqueue("tick"))
            dispatcher.run_until_idle()
            advance(60)
        pending = dispatcher.enqueue("tick", delay=3600)
        assert dispatcher.prune(history=3, keep=3600) == 2
        assert [info.id for info in dispatcher.list(state="done")] == ids[:1:-1]
        assert dispatcher.prune(history=3, keep=100) == 2
        assert [info.id for info in dispatcher.list()] == [pending, ids[4]]

    def test_statistics_tell_what_the_queue_does(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        if not dispatcher.capabilities.statistics:
            with pytest.raises(JobError, match="statistics"):
                dispatcher.statistics()
            left_out("statistics")
        assert dispatcher.statistics().by_state == {**dict.fromkeys(JOB_STATES, 0)}

        @dispatcher.worker("work")
        def work(job: Any) -> None:
            advance(2)
            if job.data["fails"]:
                raise ValueError("no")

        for fails in (False, False, True):
            dispatcher.enqueue("work", {"fails": fails})
        advance(10)
        dispatcher.run_until_idle()
        due = info_of(dispatcher, dispatcher.enqueue("later")).due
        dispatcher.enqueue("later", delay=3600)
        found = dispatcher.statistics(window=60)
        assert found.by_state == {"pending": 2, "running": 0, "done": 2, "dead": 1, "cancelled": 0}
        assert found.by_name == {"later": {"pending": 2}, "work": {"done": 2, "dead": 1}}
        assert (found.oldest_pending, found.done_per_minute, found.dead_per_minute) == (due, 2.0, 1.0)
        assert found.wait is not None
        assert found.run is not None
        assert (round(found.wait.most, 3), round(found.run.median, 3)) == (12, 2)
        with pytest.raises(JobError, match="window"):
            dispatcher.statistics(window=0)
