"""A job, from its enqueuing to its end, and what can be seen of it."""

from __future__ import annotations

from typing import Any

import pytest

from eventlite.contracts import JobCapabilities, JobDispatcher
from eventlite.contracts.jobs import JOB_STATES
from eventlite.errors import JobError
from eventlite.testing.jobs_base import (
    Advance,
    JobSuite,
    drain,
    info_of,
    nothing,
    one_in_each_state,
)


class RunningContract(JobSuite):
    """What is enqueued is run once, with the data it was enqueued with."""

    # A job, from its enqueuing to its end.

    def test_capabilities_are_declared(self, dispatcher: JobDispatcher) -> None:
        assert isinstance(dispatcher.capabilities, JobCapabilities)

    def test_nothing_to_do_is_done_at_once(self, dispatcher: JobDispatcher) -> None:
        assert dispatcher.run_until_idle() == 0

    def test_a_job_is_called_with_what_it_was_enqueued_with(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("send")(lambda job: ran.append((job.id, job.name, job.data, job.attempt)))
        id = dispatcher.enqueue("send", {"to": "b@example.com", "copies": [1, None, 2.5]})
        assert ran == []  # nothing runs unasked
        assert dispatcher.run_until_idle() == 1
        assert ran == [(id, "send", {"to": "b@example.com", "copies": [1, None, 2.5]}, 1)]

    def test_a_job_without_data_gets_an_empty_object(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("tick")(lambda job: ran.append(job.data))
        dispatcher.enqueue("tick")
        dispatcher.run_until_idle()
        assert ran == [{}]

    def test_a_job_can_be_followed_from_state_to_state(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("look", retries=2)(lambda job: ran.append(info_of(dispatcher, job.id)))
        id = dispatcher.enqueue("look", {"n": 1}, priority=7)
        waiting = info_of(dispatcher, id)
        dispatcher.run_until_idle()
        (running,) = ran
        done = info_of(dispatcher, id)
        assert [info.state for info in (waiting, running, done)] == ["pending", "running", "done"]
        assert [info.attempts for info in (waiting, running, done)] == [0, 1, 1]
        assert {(info.id, info.name, info.priority) for info in (waiting, running, done)} == {(id, "look", 7)}
        assert (done.data, done.max_attempts, done.error) == ({"n": 1}, 3, None)

    def test_times_are_microseconds_in_the_order_of_what_happened(
        self, dispatcher: JobDispatcher, advance: Advance
    ) -> None:
        dispatcher.worker("tick")(nothing)
        id = dispatcher.enqueue("tick", delay=60)
        waiting = info_of(dispatcher, id)
        assert (waiting.due - waiting.enqueued, waiting.finished) == (60_000_000, None)
        advance(61)
        dispatcher.run_until_idle()
        finished = info_of(dispatcher, id).finished
        assert finished is not None
        assert finished >= waiting.due

    def test_what_a_worker_returns_is_kept_as_json(self, dispatcher: JobDispatcher) -> None:
        dispatcher.worker("add")(lambda job: {"sum": job.data["a"] + job.data["b"], "of": ("a", "b")})
        id = dispatcher.enqueue("add", {"a": 1, "b": 2})
        dispatcher.run_until_idle()
        assert info_of(dispatcher, id).result == {"sum": 3, "of": ["a", "b"]}

    @pytest.mark.parametrize("result", [object(), {1, 2}, float("nan"), b"raw", {1: 2}, "\ud800", 2**64])
    def test_a_result_that_is_not_json_is_not_kept_and_does_no_harm(
        self, dispatcher: JobDispatcher, result: object
    ) -> None:
        dispatcher.worker("odd")(lambda _job: result)
        id = dispatcher.enqueue("odd")
        dispatcher.run_until_idle()
        assert (info_of(dispatcher, id).state, info_of(dispatcher, id).result) == ("done", None)

    def test_ids_are_different_texts(self, dispatcher: JobDispatcher) -> None:
        ids = [dispatcher.enqueue("tick") for _ in range(500)]
        assert all(isinstance(id, str) and id for id in ids)
        assert len(set(ids)) == 500

    def test_nobody_can_change_the_data_of_a_job(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        def spoil(job: Any) -> None:
            seen.append(dict(job.data))
            job.data["n"] = "spoilt"
            raise ValueError("again")

        seen: list[Any] = []
        dispatcher.worker("spoil", retries=1)(spoil)
        data = {"n": 1}
        id = dispatcher.enqueue("spoil", data)
        data["n"] = 2
        info_of(dispatcher, id).data["n"] = 3
        drain(dispatcher, advance)
        assert seen == [{"n": 1}, {"n": 1}]
        assert info_of(dispatcher, id).data == {"n": 1}

    # Data.

    @pytest.mark.parametrize(
        "data",
        [
            {"n": float("nan")},
            {"n": float("-inf")},
            {"n": 2**64},
            {"n": {1, 2}},
            {"n": b"raw"},
            pytest.param({"n": object()}, id="an object"),
            {1: "n"},
            {"n": "\ud800"},
            ["n"],
            "n",
        ],
        ids=repr,
    )
    def test_data_that_is_not_json_is_refused(self, dispatcher: JobDispatcher, data: Any) -> None:
        with pytest.raises(JobError, match="data"):
            dispatcher.enqueue("send", data)
        assert dispatcher.stats()["total"] == 0

    def test_data_nested_too_deep_is_refused(self, dispatcher: JobDispatcher) -> None:
        data: dict[str, Any] = {}
        for _ in range(100_000):
            data = {"n": data}
        with pytest.raises(JobError, match="nested"):
            dispatcher.enqueue("send", data)

    # Looking at jobs.

    def test_an_unknown_id_is_none(self, dispatcher: JobDispatcher) -> None:
        assert dispatcher.get("no such job") is None

    def test_a_list_has_the_newest_first(self, dispatcher: JobDispatcher) -> None:
        ids = [dispatcher.enqueue("tick", priority=n % 3, delay=n % 2) for n in range(7)]
        assert [info.id for info in dispatcher.list()] == ids[::-1]
        assert [info.id for info in dispatcher.list(limit=2)] == [ids[6], ids[5]]

    def test_a_list_can_be_of_one_name_or_queue(self, dispatcher: JobDispatcher) -> None:
        ids = [dispatcher.enqueue(name) for name in ("tick", "tock", "tick")]
        assert [info.id for info in dispatcher.list(name="tick")] == [ids[2], ids[0]]
        assert [info.id for info in dispatcher.list(name="tick", state="pending", limit=1)] == [ids[2]]
        assert len(dispatcher.list(queue="default")) == 3
        assert dispatcher.list(queue="other") == dispatcher.list(name="other") == []

    def test_a_list_can_be_of_one_state(self, dispatcher: JobDispatcher) -> None:
        ids = one_in_each_state(dispatcher)
        for state, id in ids.items():
            assert [info.id for info in dispatcher.list(state=state)] == [id]
            assert info_of(dispatcher, id).state == state
        assert dispatcher.list(state="running") == []

    def test_a_state_that_there_is_not_is_refused(self, dispatcher: JobDispatcher) -> None:
        with pytest.raises(JobError, match="pending"):
            dispatcher.list(state="pendign")

    def test_stats_count_the_jobs_in_each_state(self, dispatcher: JobDispatcher) -> None:
        assert dispatcher.stats() == {**dict.fromkeys(JOB_STATES, 0), "total": 0}
        one_in_each_state(dispatcher)
        assert dispatcher.stats() == {"pending": 1, "running": 0, "done": 1, "dead": 1, "cancelled": 1, "total": 4}
