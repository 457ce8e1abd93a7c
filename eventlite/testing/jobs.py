"""The contract of a job dispatcher, as tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from time import sleep
from typing import Any, ClassVar

import pytest

from eventlite.contracts import Host, JobCapabilities, JobDispatcher, JobInfo, Storage
from eventlite.contracts.jobs import JOB_STATES
from eventlite.drafting import draft_batch, now
from eventlite.errors import ConflictError, InvalidQueryError, JobError
from eventlite.event import NewEvent
from eventlite.query import Condition, Query
from eventlite.testing.capabilities import left_out
from eventlite.testing.host import StorageHost, open_storage

#: Seconds: no retry waits longer.
DAY = 86_400.0

_TOO_LONG = "x" * 256

Advance = Callable[[float], None]


class JobDispatcherContract:
    """Subclass it, name the plugin in `covers`, make the dispatcher and say how its time passes:

    class TestMyJobs(JobDispatcherContract):
        covers = "jobs:mine"

        @pytest.fixture
        def clock(self): return MyClock()

        @pytest.fixture
        def dispatcher(self, host, workers, clock):
            dispatcher = MyDispatcher(host, workers=workers, clock=clock)
            yield dispatcher
            dispatcher.close()

        @pytest.fixture
        def advance(self, clock): return clock.advance

    `workers` is how many jobs it may run at once. `host` has a real store in memory; for another one override
    `storage`. Where `capabilities.durable` is declared, override `reopen` too.
    """

    covers: ClassVar[str]

    @pytest.fixture
    def storage(self) -> Iterator[Storage]:
        """The store behind the host."""
        storage = open_storage()
        yield storage
        storage.close()

    @pytest.fixture
    def host(self, storage: Storage) -> Host:
        """What the dispatcher is made for."""
        return StorageHost(storage)

    @pytest.fixture
    def workers(self) -> int:
        """One job at a time, so that the order can be seen; some tests ask for more."""
        return 1

    @pytest.fixture
    def dispatcher(self, host: Host, workers: int) -> Any:
        """A new dispatcher that runs `workers` jobs at once; close it at the end."""
        raise NotImplementedError("override the fixture `dispatcher`")

    @pytest.fixture
    def advance(self) -> Advance:
        """A function that lets so many seconds of the dispatcher's time pass."""
        raise NotImplementedError("override the fixture `advance`")

    @pytest.fixture
    def reopen(self) -> Callable[[], JobDispatcher]:
        """A function that makes another dispatcher over the same host, as after a restart."""
        raise NotImplementedError("override the fixture `reopen`, since the dispatcher is durable")

    @pytest.fixture
    def ran(self) -> list[Any]:
        """What the workers of a test note down."""
        return []

    # A job, from its enqueuing to its end.

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
        dispatcher.worker("look", retries=2)(lambda job: ran.append(_info(dispatcher, job.id)))
        id = dispatcher.enqueue("look", {"n": 1}, priority=7)
        waiting = _info(dispatcher, id)
        dispatcher.run_until_idle()
        (running,) = ran
        done = _info(dispatcher, id)
        assert [info.state for info in (waiting, running, done)] == ["pending", "running", "done"]
        assert [info.attempts for info in (waiting, running, done)] == [0, 1, 1]
        assert {(info.id, info.name, info.priority) for info in (waiting, running, done)} == {(id, "look", 7)}
        assert (done.data, done.max_attempts, done.error) == ({"n": 1}, 3, None)

    def test_times_are_microseconds_in_the_order_of_what_happened(
        self, dispatcher: JobDispatcher, advance: Advance
    ) -> None:
        dispatcher.worker("tick")(_nothing)
        id = dispatcher.enqueue("tick", delay=60)
        waiting = _info(dispatcher, id)
        assert (waiting.due - waiting.enqueued, waiting.finished) == (60_000_000, None)
        advance(61)
        dispatcher.run_until_idle()
        finished = _info(dispatcher, id).finished
        assert finished is not None
        assert finished >= waiting.due

    def test_what_a_worker_returns_is_kept_as_json(self, dispatcher: JobDispatcher) -> None:
        dispatcher.worker("add")(lambda job: {"sum": job.data["a"] + job.data["b"], "of": ("a", "b")})
        id = dispatcher.enqueue("add", {"a": 1, "b": 2})
        dispatcher.run_until_idle()
        assert _info(dispatcher, id).result == {"sum": 3, "of": ["a", "b"]}

    @pytest.mark.parametrize("result", [object(), {1, 2}, float("nan"), b"raw", {1: 2}, "\ud800", 2**64])
    def test_a_result_that_is_not_json_is_not_kept_and_does_no_harm(
        self, dispatcher: JobDispatcher, result: object
    ) -> None:
        dispatcher.worker("odd")(lambda _job: result)
        id = dispatcher.enqueue("odd")
        dispatcher.run_until_idle()
        assert (_info(dispatcher, id).state, _info(dispatcher, id).result) == ("done", None)

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
        _info(dispatcher, id).data["n"] = 3
        _drain(dispatcher, advance)
        assert seen == [{"n": 1}, {"n": 1}]
        assert _info(dispatcher, id).data == {"n": 1}

    # Workers.

    def test_a_decorated_function_stays_as_it_is(self, dispatcher: JobDispatcher) -> None:
        assert dispatcher.worker("tick")(_nothing) is _nothing

    def test_a_second_worker_of_one_name_is_refused(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("send")(lambda _job: ran.append("first"))
        with pytest.raises(JobError, match="send"):
            dispatcher.worker("send")(lambda _job: ran.append("second"))
        dispatcher.enqueue("send")
        dispatcher.run_until_idle()
        assert ran == ["first"]

    @pytest.mark.parametrize("name", ["", "a\0b", "\ud800", _TOO_LONG, None, 7])
    def test_names_that_cannot_be_stored_are_refused(self, dispatcher: JobDispatcher, name: Any) -> None:
        with pytest.raises(JobError):
            dispatcher.worker(name)(_nothing)
        with pytest.raises(JobError):
            dispatcher.enqueue(name)
        with pytest.raises(JobError):
            dispatcher.on_event(name, "send", lambda event: event.data)
        with pytest.raises(JobError):
            dispatcher.on_event("placed", name, lambda event: event.data)

    @pytest.mark.parametrize("name", ["sendEmail", "send email; DROP TABLE jobs", "отправить→✉", "'\"%_\n", "x" * 255])
    def test_any_other_text_is_a_name(self, dispatcher: JobDispatcher, ran: list[Any], name: str) -> None:
        dispatcher.worker(name)(lambda job: ran.append(job.name))
        dispatcher.enqueue(name)
        dispatcher.run_until_idle()
        assert ran == [name]

    @pytest.mark.parametrize("retries", [-1, 1.5, "3", None, True])
    def test_retries_that_are_no_count_are_refused(self, dispatcher: JobDispatcher, retries: Any) -> None:
        with pytest.raises(JobError, match="retries"):
            dispatcher.worker("send", retries=retries)(_nothing)

    def test_a_job_that_nobody_works_on_holds_up_no_other(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        dispatcher.worker("known")(lambda _job: ran.append("known"))
        id = dispatcher.enqueue("unknown")
        dispatcher.enqueue("known")
        dispatcher.run_until_idle()
        assert ran == ["known"]
        assert _info(dispatcher, id).state in {"pending", "dead"}

    def test_a_job_can_be_done_once_its_worker_is_there(self, dispatcher: JobDispatcher, ran: list[Any]) -> None:
        id = dispatcher.enqueue("late", {"n": 1})
        dispatcher.run_until_idle()
        dispatcher.worker("late")(lambda job: ran.append(job.data))
        dispatcher.retry(id)
        dispatcher.run_until_idle()
        assert (ran, _info(dispatcher, id).state) == ([{"n": 1}], "done")

    # Failing and trying again.

    def test_three_retries_are_four_attempts_then_the_job_is_dead(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=3)(_failing(ran))
        id = dispatcher.enqueue("poison")
        assert _drain(dispatcher, advance) == 4
        dead = _info(dispatcher, id)
        assert ran == [1, 2, 3, 4]
        assert (dead.state, dead.attempts, dead.max_attempts) == ("dead", 4, 4)
        assert dead.finished is not None
        assert "ValueError: attempt 4 failed" in (dead.error or "")

    def test_without_retries_one_failure_is_the_end(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison")(_failing(ran))
        id = dispatcher.enqueue("poison")
        assert _drain(dispatcher, advance) == 1
        assert (ran, _info(dispatcher, id).state) == ([1], "dead")

    def test_a_failed_job_waits_before_it_is_tried_again(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(_failing(ran))
        id = dispatcher.enqueue("poison")
        first_due = _info(dispatcher, id).due
        assert dispatcher.run_until_idle() == 1
        waiting = _info(dispatcher, id)
        assert (waiting.state, waiting.attempts, waiting.finished) == ("pending", 1, None)
        assert "attempt 1 failed" in (waiting.error or "")
        assert waiting.due > first_due
        advance(DAY)
        assert dispatcher.run_until_idle() == 1
        assert _info(dispatcher, id).state == "dead"

    def test_a_job_that_succeeds_at_last_is_done(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        @dispatcher.worker("flaky", retries=5)
        def flaky(job: Any) -> str:
            if job.attempt < 3:
                raise ConnectionError("not yet")
            return "through"

        id = dispatcher.enqueue("flaky")
        assert _drain(dispatcher, advance) == 3
        done = _info(dispatcher, id)
        assert (done.state, done.attempts, done.error, done.result) == ("done", 3, None, "through")

    def test_poison_jobs_do_not_stop_the_queue(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(_failing([]))
        dispatcher.worker("unspeakable")(_unspeakable)
        dispatcher.worker("fine")(lambda job: ran.append(job.data["n"]))
        for n in range(5):
            dispatcher.enqueue("poison", priority=9)
            dispatcher.enqueue("unspeakable", priority=9)
            dispatcher.enqueue("fine", {"n": n})
        _drain(dispatcher, advance)
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
        assert (_info(dispatcher, id).state, _info(dispatcher, id).attempts) == ("pending", 1)
        dispatcher.run_until_idle()
        assert ran == ["fine"]
        advance(DAY)
        with pytest.raises(exit):
            dispatcher.run_until_idle()
        assert _info(dispatcher, id).state == "dead"

    def test_a_dead_job_put_back_has_all_its_attempts_again(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(_failing(ran))
        id = dispatcher.enqueue("poison")
        _drain(dispatcher, advance)
        assert dispatcher.retry(id) is True
        back = _info(dispatcher, id)
        assert (back.state, back.attempts, back.finished) == ("pending", 0, None)
        _drain(dispatcher, advance)
        assert (ran, _info(dispatcher, id).state) == ([1, 2, 1, 2], "dead")

    def test_only_dead_and_cancelled_jobs_are_put_back(self, dispatcher: JobDispatcher) -> None:
        dispatcher.worker("tick")(_nothing)
        id = dispatcher.enqueue("tick")
        assert dispatcher.retry(id) is False
        dispatcher.run_until_idle()
        assert dispatcher.retry(id) is False
        assert dispatcher.retry("no such job") is False
        assert dispatcher.run_until_idle() == 0

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
        _drain(dispatcher, advance)
        assert ran == [3]
        cancelled = _info(dispatcher, now_id)
        assert (cancelled.state, cancelled.attempts) == ("cancelled", 0)
        assert cancelled.finished is not None

    def test_a_job_that_waits_for_a_retry_can_be_cancelled(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=3)(_failing(ran))
        id = dispatcher.enqueue("poison")
        dispatcher.run_until_idle()
        assert dispatcher.cancel(id) is True
        assert _drain(dispatcher, advance) == 0
        assert (ran, _info(dispatcher, id).state) == ([1], "cancelled")

    def test_only_pending_jobs_are_cancelled(self, dispatcher: JobDispatcher) -> None:
        dispatcher.worker("tick")(_nothing)
        done, cancelled = dispatcher.enqueue("tick"), dispatcher.enqueue("tick")
        dispatcher.cancel(cancelled)
        dispatcher.run_until_idle()
        assert [dispatcher.cancel(id) for id in (done, cancelled, "no such job")] == [False, False, False]
        assert _info(dispatcher, done).state == "done"

    def test_a_cancelled_job_put_back_runs_once(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        id = dispatcher.enqueue("note", {"n": 1}, delay=60)
        dispatcher.cancel(id)
        assert dispatcher.retry(id) is True
        assert dispatcher.run_until_idle() == 1  # the delay is over with the first life
        _drain(dispatcher, advance)
        assert ran == [1]

    def test_a_job_put_back_waits_between_its_attempts_as_before(
        self, dispatcher: JobDispatcher, advance: Advance, ran: list[Any]
    ) -> None:
        dispatcher.worker("poison", retries=1)(_failing(ran))
        id = dispatcher.enqueue("poison")
        dispatcher.cancel(id)
        dispatcher.retry(id)
        assert dispatcher.run_until_idle() == 1
        assert _drain(dispatcher, advance) == 1
        assert ran == [1, 2]

    # Data.

    @pytest.mark.parametrize(
        "data",
        [
            {"n": float("nan")},
            {"n": float("-inf")},
            {"n": 2**64},
            {"n": {1, 2}},
            {"n": b"raw"},
            {"n": object()},
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

    def test_a_list_can_be_of_one_state(self, dispatcher: JobDispatcher) -> None:
        ids = _one_in_each_state(dispatcher)
        for state, id in ids.items():
            assert [info.id for info in dispatcher.list(state=state)] == [id]
            assert _info(dispatcher, id).state == state
        assert dispatcher.list(state="running") == []

    def test_a_state_that_there_is_not_is_refused(self, dispatcher: JobDispatcher) -> None:
        with pytest.raises(JobError, match="pending"):
            dispatcher.list(state="pendign")

    def test_stats_count_the_jobs_in_each_state(self, dispatcher: JobDispatcher) -> None:
        assert dispatcher.stats() == {**dict.fromkeys(JOB_STATES, 0), "total": 0}
        _one_in_each_state(dispatcher)
        assert dispatcher.stats() == {"pending": 1, "running": 0, "done": 1, "dead": 1, "cancelled": 1, "total": 4}

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
        _on_placed(dispatcher, ran)
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
        _on_placed(dispatcher, ran)
        host.append_many([NewEvent("placed", {"n": 2})])
        dispatcher.run_until_idle()
        assert ran == [2]

    def test_a_trigger_after_zero_serves_all_events_that_there_are(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        host.append_many([NewEvent("placed", {"n": n}) for n in range(2500)])
        _on_placed(dispatcher, ran, after=0)
        host.append_many([NewEvent("placed", {"n": 2500})])
        assert dispatcher.run_until_idle() == 2501
        assert ran == list(range(2501))

    def test_a_trigger_can_start_after_any_event(self, dispatcher: JobDispatcher, host: Host, ran: list[Any]) -> None:
        events = host.append_many([NewEvent("placed", {"n": n}) for n in range(3)])
        _on_placed(dispatcher, ran, after=events[1].id)
        dispatcher.run_until_idle()
        assert ran == [2]

    @pytest.mark.parametrize("after", [1, -1, "0", 1.0, 2**60])
    def test_a_trigger_cannot_start_where_there_is_nothing_yet(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], after: Any
    ) -> None:
        with pytest.raises(InvalidQueryError, match="after"):
            _on_placed(dispatcher, ran, after=after)
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
        _on_placed(dispatcher, ran)
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
        _on_placed(dispatcher, ran)
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
        _on_placed(dispatcher, ran)
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
        dispatcher.on_event("placed", "note", lambda event: _answer(answers.get(event.data["n"], event.data)))
        poison, _ = host.append_many([NewEvent("placed", {"n": 1}), NewEvent("placed", {"n": 2})])
        dispatcher.run_until_idle()
        (dead,) = dispatcher.list(state="dead")
        assert (ran, dead.name, dead.data) == ([2], "placed→note", {"event": poison.id})
        assert dead.error
        answers.clear()  # the mapper is mended
        dispatcher.retry(dead.id)
        dispatcher.run_until_idle()
        assert ran == [2, 1]

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

        _on_placed(dispatcher, ran)
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
        assert [_info(dispatcher, id).state for id in ids] == ["done", "done"]

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

    # Capabilities.

    def test_capabilities_are_declared(self, dispatcher: JobDispatcher) -> None:
        assert isinstance(dispatcher.capabilities, JobCapabilities)

    def test_a_worker_that_overruns_its_timeout_has_failed(self, dispatcher: JobDispatcher, advance: Advance) -> None:
        if not dispatcher.capabilities.timeouts:
            with pytest.raises(JobError, match="timeout"):
                dispatcher.worker("slow", timeout=1)(_nothing)
            left_out("timeouts")
        released = Event()
        dispatcher.worker("slow", timeout=0.1)(lambda _job: released.wait(10))
        id = dispatcher.enqueue("slow")
        _drain(dispatcher, advance)
        released.set()
        assert _info(dispatcher, id).state == "dead"

    def test_jobs_and_triggers_survive_a_restart(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any], request: pytest.FixtureRequest
    ) -> None:
        if not dispatcher.capabilities.durable:
            left_out("durable")
        _on_placed(dispatcher, ran)
        id = dispatcher.enqueue("note", {"n": 1})
        dispatcher.close()
        host.append_many([NewEvent("placed", {"n": 2})])
        again: JobDispatcher = request.getfixturevalue("reopen")()
        _on_placed(again, ran)
        again.run_until_idle()
        assert (sorted(ran), _info(again, id).state) == ([1, 2], "done")
        again.close()


def _nothing(_job: Any) -> None:
    """A worker."""


def _failing(attempts: list[Any]) -> Callable[[Any], None]:
    """A worker that notes its attempts and fails."""

    def fail(job: Any) -> None:
        attempts.append(job.attempt)
        raise ValueError(f"attempt {job.attempt} failed")

    return fail


class _UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


def _unspeakable(_job: Any) -> None:
    """A worker whose error has no text."""
    raise _UnspeakableError


def _on_placed(dispatcher: JobDispatcher, ran: list[Any], after: int | None = None) -> None:
    """Note `n` of every event `placed`."""
    dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
    dispatcher.on_event("placed", "note", lambda event: event.data, after=after)


def _answer(mapped: Any) -> Any:
    if isinstance(mapped, Exception):
        raise mapped
    return mapped


def _info(dispatcher: JobDispatcher, id: str) -> JobInfo:
    info = dispatcher.get(id)
    assert info is not None
    return info


def _drain(dispatcher: JobDispatcher, advance: Advance) -> int:
    """Run until nothing is pending, days if need be; how many attempts ran."""
    attempts = dispatcher.run_until_idle()
    for _ in range(20):
        if not dispatcher.stats()["pending"]:
            break
        advance(DAY)
        attempts += dispatcher.run_until_idle()
    return attempts


def _one_in_each_state(dispatcher: JobDispatcher) -> dict[str, str]:
    """A job in every state in which it can rest, by state."""
    dispatcher.worker("tick")(_nothing)
    dispatcher.worker("poison")(_failing([]))
    ids = {"done": dispatcher.enqueue("tick"), "dead": dispatcher.enqueue("poison")}
    dispatcher.run_until_idle()
    ids["cancelled"], ids["pending"] = dispatcher.enqueue("tick"), dispatcher.enqueue("tick")
    dispatcher.cancel(ids["cancelled"])
    return ids
