"""Jobs that come again and again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from eventlite.contracts import JobDispatcher
from eventlite.errors import JobError
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import Advance, JobSuite, failing, needs


class RecurringContract(JobSuite):
    """Each occurrence is enqueued once, whatever the clock and the other processes do."""

    def test_a_recurring_job_runs_again_and_again(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        if not dispatcher.capabilities.recurring:
            with pytest.raises(JobError, match="recurring"):
                dispatcher.recurring("tick", every=60)
            left_out("recurring")
        dispatcher.worker("tick")(lambda job: ran.append(job.data["n"]))
        dispatcher.recurring("tick", {"n": 1}, every=60)
        dispatcher.run_until_idle()
        assert ran == []
        for expected in (1, 2, 3):
            advance(60)
            dispatcher.run_until_idle()
            assert len(ran) == expected
        (schedule,) = dispatcher.schedules()
        assert (schedule.name, schedule.job, schedule.rule) == ("tick", "tick", "every 0:01:00")
        assert dispatcher.unschedule("tick") is True
        assert dispatcher.unschedule("tick") is False
        advance(600)
        dispatcher.run_until_idle()
        assert len(ran) == 3

    def test_after_a_downtime_one_occurrence_is_made_up_for(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        needs(dispatcher, "recurring")
        dispatcher.worker("tick")(lambda job: ran.append(job.id))
        dispatcher.recurring("tick", every=timedelta(minutes=1), name="by interval")
        dispatcher.recurring("tick", cron="* * * * *", name="by cron")
        advance(3600)
        dispatcher.run_until_idle()
        assert len(ran) == 2
        advance(60)
        dispatcher.run_until_idle()
        assert len(ran) == 4

    def test_after_the_clock_is_set_back_no_interval_is_waited_for_twice(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        needs(dispatcher, "recurring")
        dispatcher.worker("tick")(lambda job: ran.append(job.id))
        dispatcher.recurring("tick", every=60)
        advance(-3600)
        dispatcher.run_until_idle()
        assert ran == []
        advance(60)
        dispatcher.run_until_idle()
        assert len(ran) == 1

    def test_an_occurrence_is_left_out_while_the_last_one_is_unfinished(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        needs(dispatcher, "recurring")
        dispatcher.worker("flaky", retries=5)(failing(ran))
        dispatcher.recurring("flaky", every=0.1)
        advance(0.1)
        dispatcher.run_until_idle()
        advance(0.1)
        dispatcher.run_until_idle()
        assert (ran, dispatcher.stats()["total"]) == ([1], 1)

    @pytest.mark.parametrize(
        "rule",
        [
            {},
            {"cron": "* * * * *", "every": 1},
            {"cron": "every day"},
            {"cron": "61 * * * *"},
            {"cron": "0 0 30 2 *"},
            {"cron": "* * * * *", "timezone": "Mars/Olympus"},
            {"every": 0},
            {"every": "1"},
        ],
        ids=repr,
    )
    def test_rules_that_make_no_sense_are_refused(self, dispatcher: JobDispatcher, rule: dict[str, Any]) -> None:
        with pytest.raises(JobError):
            dispatcher.recurring("tick", **rule)

    def test_a_second_recurring_job_needs_a_name_of_its_own(self, dispatcher: JobDispatcher) -> None:
        needs(dispatcher, "recurring")
        dispatcher.recurring("tick", every=60)
        with pytest.raises(JobError, match="tick"):
            dispatcher.recurring("tick", every=30)
        dispatcher.recurring("tick", every=30, name="quicker")
        assert [one.name for one in dispatcher.schedules()] == ["quicker", "tick"]

    def test_of_two_processes_one_enqueues_each_occurrence(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        needs(dispatcher, "durable", "recurring")
        other: JobDispatcher = request.getfixturevalue("reopen")()
        for one in (dispatcher, other):
            one.worker("tick")(lambda job: ran.append(job.id))
            one.recurring("tick", every=60)
        for _ in range(3):
            advance(60)
            dispatcher.run_until_idle()
            other.run_until_idle()
        assert len(ran) == 3
        other.close()
