"""Work that makes work, and events that trigger jobs."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import Host, JobDispatcher
from eventlite.drafting import draft_batch, now
from eventlite.errors import ConflictError, InvalidQueryError, JobError
from eventlite.event import NewEvent
from eventlite.query import Condition, Query
from eventlite.testing.jobs_base import (
    JobSuite,
    answer,
    on_placed,
)


class TriggersContract(JobSuite):
    """An event that is stored triggers its jobs once, another one none."""

    # Work that makes work.

    def test_jobs_that_jobs_enqueue_run_in_the_same_call(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        @dispatcher.worker("countdown")
        def countdown(job: Any) -> None:
            ran.append(job.data["n"])
            if job.data["n"]:
                dispatcher.enqueue("countdown", {"n": job.data["n"] - 1})

        dispatcher.enqueue("countdown", {"n": 3})
        assert dispatcher.run_until_idle() == 4
        assert ran == [3, 2, 1, 0]

    def test_events_that_jobs_append_trigger_jobs_in_the_same_call(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        @dispatcher.worker("charge")
        def charge(job: Any) -> None:
            host.append_many([NewEvent("charged", job.data)])

        dispatcher.worker("thank")(lambda job: ran.append(job.data))
        dispatcher.on_event("charged", "thank", lambda event: event.data)
        dispatcher.on_event("placed", "charge", lambda event: event.data)
        host.append_many([NewEvent("placed", {"n": 1})])
        assert dispatcher.run_until_idle() == 2
        assert ran == [{"n": 1}]

    # Events that trigger jobs.

    def test_an_event_triggers_its_job_once(self, dispatcher: JobDispatcher, host: Host, ran: list[Any]) -> None:
        on_placed(dispatcher, ran)
        host.append_many([NewEvent("placed", {"n": 1}), NewEvent("other", {"n": 2}), NewEvent("placed", {"n": 3})])
        assert dispatcher.run_until_idle() == 2
        assert dispatcher.run_until_idle() == 0
        host.append_many([NewEvent("placed", {"n": 4})])
        assert dispatcher.run_until_idle() == 1
        assert ran == [1, 3, 4]

    def test_events_before_the_registration_trigger_nothing(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        host.append_many([NewEvent("placed", {"n": 1})])
        on_placed(dispatcher, ran)
        host.append_many([NewEvent("placed", {"n": 2})])
        dispatcher.run_until_idle()
        assert ran == [2]

    def test_a_trigger_after_zero_serves_all_events_that_there_are(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        host.append_many([NewEvent("placed", {"n": n}) for n in range(1200)])
        on_placed(dispatcher, ran, after=0)
        host.append_many([NewEvent("placed", {"n": 1200})])
        assert dispatcher.run_until_idle() == 1201
        assert ran == list(range(1201))

    def test_a_trigger_can_start_after_any_event(self, dispatcher: JobDispatcher, host: Host, ran: list[Any]) -> None:
        events = host.append_many([NewEvent("placed", {"n": n}) for n in range(3)])
        on_placed(dispatcher, ran, after=events[1].id)
        dispatcher.run_until_idle()
        assert ran == [2]

    @pytest.mark.parametrize("after", [1, -1, "0", 1.0, 2**60])
    def test_a_trigger_cannot_start_where_there_is_nothing_yet(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], after: Any
    ) -> None:
        with pytest.raises(InvalidQueryError, match="after"):
            on_placed(dispatcher, ran, after=after)
        host.append_many([NewEvent("placed", {"n": 1})])
        assert dispatcher.run_until_idle() == 0

    def test_a_mapper_that_returns_none_makes_no_job(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        dispatcher.on_event("placed", "note", lambda event: event.data if event.data["n"] % 2 else None)
        host.append_many([NewEvent("placed", {"n": n}) for n in range(4)])
        assert dispatcher.run_until_idle() == 2
        assert (ran, dispatcher.stats()["total"]) == ([1, 3], 2)

    def test_a_mapper_sees_the_whole_event(self, dispatcher: JobDispatcher, host: Host, ran: list[Any]) -> None:
        dispatcher.worker("note")(lambda job: ran.append(job.data))
        dispatcher.on_event("placed", "note", lambda event: event.to_dict())
        (event,) = host.append_many([NewEvent("placed", {"n": 1}, user="alice", tags=["order:1"])])
        dispatcher.run_until_idle()
        assert ran == [event.to_dict()]

    def test_an_event_that_is_rolled_back_triggers_nothing(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        on_placed(dispatcher, ran)
        with pytest.raises(ZeroDivisionError), host.transaction() as transaction:
            transaction.append(draft_batch([NewEvent("placed", {"n": 1})], recorded=now()))
            raise ZeroDivisionError
        assert dispatcher.run_until_idle() == 0
        with host.transaction() as transaction:
            transaction.append(draft_batch([NewEvent("placed", {"n": 2})], recorded=now()))
        assert dispatcher.run_until_idle() == 1
        assert ran == [2]

    def test_an_event_that_is_refused_triggers_nothing(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        on_placed(dispatcher, ran)
        fresh = Condition(Query(cmd="placed"))
        requests = [draft_batch([NewEvent("placed", {"n": n})], fresh, recorded=now()) for n in range(3)]
        outcomes = host.storage.commit(requests)
        assert [isinstance(outcome, ConflictError) for outcome in outcomes] == [False, True, True]
        dispatcher.run_until_idle()
        assert ran == [0]

    def test_one_event_can_trigger_several_jobs(self, dispatcher: JobDispatcher, host: Host, ran: list[Any]) -> None:
        for name in ("charge", "pack"):
            dispatcher.worker(name)(lambda job: ran.append(job.name))
            dispatcher.on_event("placed", name, lambda event: event.data)
        host.append_many([NewEvent("placed", {"n": 1})])
        dispatcher.run_until_idle()
        assert sorted(ran) == ["charge", "pack"]

    def test_a_second_trigger_needs_a_name_of_its_own(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        on_placed(dispatcher, ran)
        with pytest.raises(JobError, match="placed→note"):
            dispatcher.on_event("placed", "note", lambda _event: {"n": "refused"})
        dispatcher.on_event("placed", "note", lambda _event: {"n": "second"}, name="again")
        with pytest.raises(JobError, match="again"):
            dispatcher.on_event("other", "note", lambda _event: {"n": "refused"}, name="again")
        host.append_many([NewEvent("placed", {"n": 1}), NewEvent("other")])
        dispatcher.run_until_idle()
        assert sorted(ran, key=str) == [1, "second"]

    @pytest.mark.parametrize("mapped", [KeyError("n"), {"n": {1, 2}}, {"n": float("nan")}, "text"], ids=repr)
    def test_an_event_whose_mapper_fails_is_kept_and_holds_up_nothing(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], mapped: Any
    ) -> None:
        answers = {1: mapped}
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        dispatcher.on_event("placed", "note", lambda event: answer(answers.get(event.data["n"], event.data)))
        poison, _ = host.append_many([NewEvent("placed", {"n": 1}), NewEvent("placed", {"n": 2})])
        dispatcher.run_until_idle()
        (dead,) = dispatcher.list(state="dead")
        assert (ran, dead.name, dead.data) == ([2], "placed→note", {"event": poison.id})
        assert dead.error
        answers.clear()  # the mapper is mended
        dispatcher.retry(dead.id)
        dispatcher.run_until_idle()
        assert ran == [2, 1]
