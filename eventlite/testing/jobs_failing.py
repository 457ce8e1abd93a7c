"""Workers, and jobs that fail."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import JobDispatcher
from eventlite.errors import JobError
from eventlite.testing.jobs_base import (
    DAY,
    TOO_LONG,
    Advance,
    JobSuite,
    drain,
    failing,
    info_of,
    nothing,
    unspeakable,
)


class FailingContract(JobSuite):
    """A job that fails is tried again as often as its worker says, and holds up no other."""

    # Workers.

    def test_a_decorated_function_stays_as_it_is(self, dispatcher: JobDispatcher) -> None:
        assert dispatcher.worker("tick")(nothing) is nothing

    def test_a_second_worker_of_one_name_is_refused(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("send")(lambda _job: ran.append("first"))
        with pytest.raises(JobError, match="send"):
            dispatcher.worker("send")(lambda _job: ran.append("second"))
        dispatcher.enqueue("send")
        dispatcher.run_until_idle()
        assert ran == ["first"]

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", TOO_LONG, None, 7])
    def test_names_that_cannot_be_stored_are_refused(self, dispatcher: JobDispatcher, name: Any) -> None:
        with pytest.raises(JobError):
            dispatcher.worker(name)(nothing)
        with pytest.raises(JobError):
            dispatcher.enqueue(name)
        with pytest.raises(JobError):
            dispatcher.on_event(name, "send", lambda event: event.data)
        with pytest.raises(JobError):
            dispatcher.on_event("placed", name, lambda event: event.data)

    @pytest.mark.parametrize("name", ["sendEmail", "send email; DROP TABLE jobs", "отправить→✉", "'\"%_\n"])
    def test_any_other_text_is_a_name(self, dispatcher: JobDispatcher, ran: list[Any], name: str) -> None:
        dispatcher.worker(name)(lambda job: ran.append(job.name))
        dispatcher.enqueue(name)
        dispatcher.run_until_idle()
        assert ran == [name]

    def test_a_name_may_be_as_long_as_is_declared(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        longest = "é" * dispatcher.capabilities.max_name
        dispatcher.worker(longest)(lambda job: ran.append(job.name))
        dispatcher.enqueue(longest)
        dispatcher.run_until_idle()
        assert ran == [longest]
        with pytest.raises(JobError, match="characters"):
            dispatcher.enqueue(longest + "é")

    @pytest.mark.parametrize("retries", [-1, 1.5, "3", None, True])
    def test_retries_that_are_no_count_are_refused(self, dispatcher: JobDispatcher, retries: Any) -> None:
        with pytest.raises(JobError, match="retries"):
            dispatcher.worker("send", retries=retries)(nothing)

    def test_a_job_that_nobody_works_on_holds_up_no_other(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("known")(lambda _job: ran.append("known"))
        id = dispatcher.enqueue("unknown")
        dispatcher.enqueue("known")
        dispatcher.run_until_idle()
        assert ran == ["known"]
        assert info_of(dispatcher, id).state in {"pending", "dead"}

    def test_a_job_can_be_done_once_its_worker_is_there(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        id = dispatcher.enqueue("late", {"n": 1})
        dispatcher.run_until_idle()
        dispatcher.worker("late")(lambda job: ran.append(job.data))
        dispatcher.retry(id)
        advance(DAY)
        dispatcher.run_until_idle()
        assert (ran, info_of(dispatcher, id).state) == ([{"n": 1}], "done")

    # Failing and trying again.

    def test_three_retries_are_four_attempts_then_the_job_is_dead(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=3)(failing(ran))
        id = dispatcher.enqueue("poison")
        assert drain(dispatcher, advance) == 4
        dead = info_of(dispatcher, id)
        assert ran == [1, 2, 3, 4]
        assert (dead.state, dead.attempts, dead.max_attempts) == ("dead", 4, 4)
        assert dead.finished is not None
        assert "ValueError: attempt 4 failed" in (dead.error or "")

    def test_without_retries_one_failure_is_the_end(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison")(failing(ran))
        id = dispatcher.enqueue("poison")
        assert drain(dispatcher, advance) == 1
        assert (ran, info_of(dispatcher, id).state) == ([1], "dead")

    def test_a_failed_job_waits_before_it_is_tried_again(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(failing(ran))
        id = dispatcher.enqueue("poison")
        first_due = info_of(dispatcher, id).due
        assert dispatcher.run_until_idle() == 1
        waiting = info_of(dispatcher, id)
        assert (waiting.state, waiting.attempts, waiting.finished) == ("pending", 1, None)
        assert "attempt 1 failed" in (waiting.error or "")
        assert waiting.due > first_due
        advance(DAY)
        assert dispatcher.run_until_idle() == 1
        assert info_of(dispatcher, id).state == "dead"

    def test_a_job_that_succeeds_at_last_is_done(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        @dispatcher.worker("flaky", retries=5)
        def flaky(job: Any) -> str:
            if job.attempt < 3:
                raise ConnectionError("not yet")
            return "through"

        id = dispatcher.enqueue("flaky")
        assert drain(dispatcher, advance) == 3
        done = info_of(dispatcher, id)
        assert (done.state, done.attempts, done.error, done.result) == ("done", 3, None, "through")

    def test_poison_jobs_do_not_stop_the_queue(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(failing([]))
        dispatcher.worker("unspeakable")(unspeakable)
        dispatcher.worker("fine")(lambda job: ran.append(job.data["n"]))
        for n in range(5):
            dispatcher.enqueue("poison", priority=9)
            dispatcher.enqueue("unspeakable", priority=9)
            dispatcher.enqueue("fine", {"n": n})
        drain(dispatcher, advance)
        assert ran == [0, 1, 2, 3, 4]
        assert (dispatcher.stats()["dead"], dispatcher.stats()["done"]) == (10, 5)

    @pytest.mark.parametrize("exit", [KeyboardInterrupt, SystemExit])
    def test_what_ends_the_process_is_not_swallowed(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any], exit: type[BaseException]
    ) -> None:
        @dispatcher.worker("exit", retries=1)
        def leave(_job: Any) -> None:
            raise exit

        dispatcher.worker("fine")(lambda _job: ran.append("fine"))
        id = dispatcher.enqueue("exit", priority=1)
        dispatcher.enqueue("fine")
        with pytest.raises(exit):
            dispatcher.run_until_idle()
        assert (info_of(dispatcher, id).state, info_of(dispatcher, id).attempts) == ("pending", 1)
        dispatcher.run_until_idle()
        assert ran == ["fine"]
        advance(DAY)
        with pytest.raises(exit):
            dispatcher.run_until_idle()
        assert info_of(dispatcher, id).state == "dead"

    def test_a_dead_job_put_back_has_all_its_attempts_again(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(failing(ran))
        id = dispatcher.enqueue("poison")
        drain(dispatcher, advance)
        assert dispatcher.retry(id) is True
        back = info_of(dispatcher, id)
        assert (back.state, back.attempts, back.finished) == ("pending", 0, None)
        drain(dispatcher, advance)
        assert (ran, info_of(dispatcher, id).state) == ([1, 2, 1, 2], "dead")

    def test_only_dead_and_cancelled_jobs_are_put_back(self, dispatcher: JobDispatcher) -> None:
        dispatcher.worker("tick")(nothing)
        id = dispatcher.enqueue("tick")
        assert dispatcher.retry(id) is False
        dispatcher.run_until_idle()
        assert dispatcher.retry(id) is False
        assert dispatcher.retry("no such job") is False
        assert dispatcher.run_until_idle() == 0
