"""What a dispatcher may declare: with the capability it works, without it asking for it is refused."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

import pytest

from eventlite.contracts import Host, JobCancelled, JobCapabilities, JobDispatcher
from eventlite.contracts.jobs import JOB_STATES
from eventlite.errors import JobError
from eventlite.event import NewEvent
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import Advance, JobSuite, drain, failing, info_of, nothing, on_placed, process_id

#: Seconds after which a thread that should have ended is taken for stuck.
PATIENCE = 20.0


class CapabilitiesContract(JobSuite):
    """Each capability, kept or refused."""

    def test_capabilities_are_declared(self, dispatcher: JobDispatcher) -> None:
        assert isinstance(dispatcher.capabilities, JobCapabilities)

    # Durable.

    def test_jobs_and_triggers_survive_a_restart(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        _needs(dispatcher, "durable")
        on_placed(dispatcher, ran)
        id = dispatcher.enqueue("note", {"n": 1})
        dispatcher.close()
        host.append_many([NewEvent("placed", {"n": 2})])
        again: JobDispatcher = request.getfixturevalue("reopen")()
        on_placed(again, ran)
        again.run_until_idle()
        assert (sorted(ran), info_of(again, id).state) == ([1, 2], "done")
        again.close()

    def test_finished_jobs_are_forgotten_by_number_and_by_age(
        self, dispatcher: JobDispatcher, advance: Advance
    ) -> None:
        _needs(dispatcher, "durable")
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
        _needs(dispatcher, "work_loop")
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
        _needs(dispatcher, "work_loop")
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

    def test_failed_attempts_are_kept_with_their_job(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        _needs(dispatcher, "durable")
        dispatcher.worker("poison", retries=2)(failing([]))
        id = dispatcher.enqueue("poison")
        drain(dispatcher, advance)
        failures = info_of(dispatcher, id).failures
        assert [(one.attempt, one.error) for one in failures] == [
            (n, f"ValueError: attempt {n} failed") for n in (1, 2, 3)
        ]
        assert failures[0].at < failures[1].at < failures[2].at

    def test_a_job_can_put_itself_off(self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]) -> None:
        _needs(dispatcher, "durable")

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

    def test_statistics_tell_what_the_queue_does(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        if not dispatcher.capabilities.durable:
            left_out("durable")
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

    # Timeouts.

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

    # Async functions.

    def test_async_functions_run_side_by_side(self, dispatcher: JobDispatcher) -> None:
        _needs(dispatcher, "asynchronous")

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
        _needs(dispatcher, "asynchronous")
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

    # Processes.

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

    # Cancelling what runs.

    @pytest.mark.parametrize("kind", ["plain", "async"])
    def test_a_running_job_can_be_asked_to_stop(self, dispatcher: JobDispatcher, kind: str) -> None:
        _needs(dispatcher, "cancels_running")
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
        _needs(dispatcher, "cancels_running")

        @dispatcher.worker("obsolete", retries=3)
        def obsolete(_job: Any) -> None:
            raise JobCancelled("nobody wants it any more")

        id = dispatcher.enqueue("obsolete")
        dispatcher.run_until_idle()
        assert info_of(dispatcher, id).state == "cancelled"

    # Progress.

    def test_a_handler_reports_how_far_it_is(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        _needs(dispatcher, "progress")

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

    # Unique jobs.

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
        _needs(dispatcher, "unique")
        first = dispatcher.enqueue("note", {"a": 1, "b": 2}, unique=True)
        assert dispatcher.enqueue("note", {"b": 2, "a": 1}, unique=True) == first
        assert dispatcher.enqueue("note", {"a": 1, "b": 3}, unique=True) != first
        with pytest.raises(JobError, match="unique"):
            dispatcher.enqueue("note", unique="")

    def test_a_dead_unique_job_is_not_put_back_beside_another(self, dispatcher: JobDispatcher) -> None:
        _needs(dispatcher, "unique")
        dispatcher.worker("poison")(failing([]))
        id = dispatcher.enqueue("poison", unique="a")
        dispatcher.run_until_idle()
        other = dispatcher.enqueue("poison", unique="a", delay=60)
        assert dispatcher.retry(id) is False
        dispatcher.cancel(other)
        assert dispatcher.retry(id) is True

    # Queues.

    def test_a_paused_queue_holds_back_its_jobs_and_no_others(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        if not dispatcher.capabilities.queues:
            with pytest.raises(JobError, match="queues"):
                dispatcher.pause("slow")
            with pytest.raises(JobError, match="queues"):
                dispatcher.enqueue("note", queue="slow")
            left_out("queues")
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
        _needs(dispatcher, "queues")
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
        _needs(dispatcher, "queues")
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        for n, (queue, priority) in enumerate([("a", 1), ("b", 3), ("a", 2), ("default", 4), ("b", 0)]):
            dispatcher.enqueue("note", {"n": n}, queue=queue, priority=priority)
        dispatcher.run_until_idle()
        assert ran == [3, 1, 2, 0, 4]

    # Recurring jobs.

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
        _needs(dispatcher, "recurring")
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
        _needs(dispatcher, "recurring")
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
        _needs(dispatcher, "recurring")
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
        _needs(dispatcher, "recurring")
        dispatcher.recurring("tick", every=60)
        with pytest.raises(JobError, match="tick"):
            dispatcher.recurring("tick", every=30)
        dispatcher.recurring("tick", every=30, name="quicker")
        assert [one.name for one in dispatcher.schedules()] == ["quicker", "tick"]

    def test_of_two_processes_one_enqueues_each_occurrence(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        _needs(dispatcher, "durable", "recurring")
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


def _needs(dispatcher: JobDispatcher, *capabilities: str) -> None:
    for name in capabilities:
        if not getattr(dispatcher.capabilities, name):
            left_out(name)
