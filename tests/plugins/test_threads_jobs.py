from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from eventlite_jobs import backoff
from eventlite_jobs.threads import CONTRACT, Settings, ThreadDispatcher, eventlite_make_jobs
from eventlite_jobs.threads.duequeue import DueQueue
from eventlite_jobs.threads.records import Record
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from eventlite import JobError, NewEvent, StorageError
from eventlite.contracts import CONTRACTS, Host, JobDispatcher
from eventlite.testing import JobDispatcherContract
from eventlite.testing.clock import ManualClock
from eventlite.testing.host import StorageHost, open_storage


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


class TestThreads(JobDispatcherContract):
    covers = "jobs:threads"

    @pytest.fixture
    def dispatcher(self, host: Host, workers: int, clock: ManualClock) -> Iterator[JobDispatcher]:
        dispatcher = ThreadDispatcher(host, workers=workers, now=clock)
        yield dispatcher
        dispatcher.close()

    @pytest.fixture
    def advance(self, clock: ManualClock) -> Callable[[float], None]:
        return clock.advance


@pytest.fixture
def host() -> Iterator[Host]:
    storage = open_storage()
    yield StorageHost(storage)
    storage.close()


@pytest.fixture
def dispatcher(host: Host, clock: ManualClock) -> Iterator[ThreadDispatcher]:
    dispatcher = ThreadDispatcher(host, workers=2, history=3, now=clock)
    yield dispatcher
    dispatcher.close()


def test_the_plugin_makes_a_dispatcher_of_its_settings(host: Host) -> None:
    made = eventlite_make_jobs(Settings(), host)
    assert made is not None
    made.worker("add")(lambda job: job.data["n"] + 1)
    id = made.enqueue("add", {"n": 1})
    assert made.run_until_idle() == 1
    found = made.get(id)
    assert found is not None
    assert found.result == 2
    made.close()
    assert CONTRACTS["jobs"] == CONTRACT


@pytest.mark.parametrize(
    "settings", [{"workers": 0}, {"workers": 65}, {"workers": "many"}, {"history": -1}, {"wrokers": 4}], ids=repr
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(settings))):
        Settings(**settings)


def test_settings_have_defaults_and_a_description_each() -> None:
    assert (Settings().workers, Settings().history) == (4, 1000)
    assert all(field.description for field in Settings.model_fields.values())


def test_jobs_in_memory_are_declared_not_durable(dispatcher: ThreadDispatcher) -> None:
    assert dispatcher.capabilities.durable is False


def test_a_job_without_a_worker_is_dead_and_says_which_name_comes_close(dispatcher: ThreadDispatcher) -> None:
    dispatcher.worker("sendEmail")(lambda _job: None)
    id = dispatcher.enqueue("sendEmial")
    assert dispatcher.run_until_idle() == 1
    dead = dispatcher.get(id)
    assert dead is not None
    assert dead.state == "dead"
    assert "no worker named 'sendEmial'" in (dead.error or "")
    assert "Did you mean 'sendEmail'?" in (dead.error or "")


def test_a_job_without_any_worker_says_so(dispatcher: ThreadDispatcher) -> None:
    dispatcher.enqueue("send")
    dispatcher.run_until_idle()
    (dead,) = dispatcher.list(state="dead")
    assert "No worker is registered" in (dead.error or "")


def test_async_functions_are_refused(dispatcher: ThreadDispatcher) -> None:
    async def later(_: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {}

    with pytest.raises(JobError, match="async"):
        dispatcher.worker("later")(later)
    with pytest.raises(JobError, match="async"):
        dispatcher.on_event("placed", "later", later)  # type: ignore[arg-type]


@pytest.mark.parametrize("function", [None, "send", 7])
def test_what_cannot_be_called_is_refused(dispatcher: ThreadDispatcher, function: Any) -> None:
    with pytest.raises(JobError, match="must be a function"):
        dispatcher.worker("send")(function)
    with pytest.raises(JobError, match="must be a function"):
        dispatcher.on_event("placed", "send", function)


def test_a_refused_trigger_leaves_nothing_behind(dispatcher: ThreadDispatcher, host: Host) -> None:
    dispatcher.worker("taken")(lambda _job: None)
    with pytest.raises(JobError, match="taken"):
        dispatcher.on_event("placed", "note", lambda event: event.data, name="taken")
    host.append_many([NewEvent("placed")])
    assert dispatcher.run_until_idle() == 0


def test_history_keeps_the_last_finished_jobs_of_each_kind(dispatcher: ThreadDispatcher, clock: ManualClock) -> None:
    def work(job: Any) -> None:
        if job.data["fails"]:
            raise ValueError

    dispatcher.worker("work")(work)
    ids: dict[bool, list[str]] = {True: [], False: []}
    for n in range(10):
        ids[n % 2 == 0].append(dispatcher.enqueue("work", {"fails": n % 2 == 0}))
        dispatcher.run_until_idle()
        clock.advance(1)
    assert dispatcher.stats() == {"pending": 0, "running": 0, "done": 3, "dead": 3, "cancelled": 0, "total": 6}
    assert [info.id for info in dispatcher.list(state="dead")] == ids[True][:1:-1]
    assert dispatcher.get(ids[True][0]) is None


def test_without_history_a_finished_job_is_forgotten_at_once(host: Host) -> None:
    dispatcher = ThreadDispatcher(host, history=0)
    dispatcher.worker("tick")(lambda _job: None)
    id = dispatcher.enqueue("tick")
    assert dispatcher.run_until_idle() == 1
    assert dispatcher.get(id) is None
    dispatcher.close()


def test_a_running_job_is_neither_cancelled_nor_put_back(dispatcher: ThreadDispatcher) -> None:
    answers: list[bool] = []
    dispatcher.worker("self")(lambda job: answers.extend([dispatcher.cancel(job.id), dispatcher.retry(job.id)]))
    dispatcher.enqueue("self")
    assert dispatcher.run_until_idle() == 1
    assert answers == [False, False]


def test_a_job_may_run_the_queue_itself(host: Host) -> None:
    ran: list[int] = []
    dispatcher = ThreadDispatcher(host, workers=1)

    @dispatcher.worker("outer")
    def outer(_job: Any) -> list[int]:
        for n in range(3):
            dispatcher.enqueue("inner", {"n": n})
        dispatcher.run_until_idle()
        return list(ran)

    dispatcher.worker("inner")(lambda job: ran.append(job.data["n"]))
    id = dispatcher.enqueue("outer")
    dispatcher.run_until_idle()
    done = dispatcher.get(id)
    assert done is not None
    assert done.result == [0, 1, 2]
    dispatcher.close()


def test_a_job_may_close_its_own_dispatcher(dispatcher: ThreadDispatcher) -> None:
    dispatcher.worker("last")(lambda _job: dispatcher.close())
    for _ in range(3):
        dispatcher.enqueue("last")
    assert dispatcher.run_until_idle() <= 2
    with pytest.raises(JobError, match="closed"):
        dispatcher.run_until_idle()


def test_a_free_thread_takes_what_a_running_job_enqueues(dispatcher: ThreadDispatcher) -> None:
    handed_over = threading.Event()

    @dispatcher.worker("waits")
    def waits(_job: Any) -> bool:
        dispatcher.enqueue("helps")
        return handed_over.wait(10)

    dispatcher.worker("helps")(lambda _job: handed_over.set())
    id = dispatcher.enqueue("waits")
    dispatcher.run_until_idle()
    done = dispatcher.get(id)
    assert done is not None
    assert done.result is True


def test_a_mapper_that_runs_jobs_is_told_not_to(dispatcher: ThreadDispatcher, host: Host) -> None:
    errors: list[str] = []

    def mapper(_event: Any) -> None:
        try:
            dispatcher.run_until_idle()
        except JobError as error:
            errors.append(error.message)

    dispatcher.on_event("placed", "note", mapper)
    host.append_many([NewEvent("placed")])
    dispatcher.run_until_idle()
    assert errors == ["a trigger's mapper cannot run jobs"]


def test_a_mapper_may_append_what_an_earlier_trigger_follows(dispatcher: ThreadDispatcher, host: Host) -> None:
    ran: list[Any] = []
    dispatcher.worker("note")(lambda job: ran.append(job.data))
    dispatcher.on_event("derived", "note", lambda event: event.data)

    def derive(event: Any) -> None:
        host.append_many([NewEvent("derived", event.data, cause=event)])

    dispatcher.on_event("placed", "derive", derive)
    host.append_many([NewEvent("placed", {"n": 1})])
    dispatcher.run_until_idle()
    assert ran == [{"n": 1}]


def test_a_store_that_fails_is_told_and_its_events_are_served_later(host: Host, clock: ManualClock) -> None:
    class Flaky:
        broken = False

        def __getattr__(self, name: str) -> Any:
            if name == "read" and self.broken:
                raise StorageError("the disk is gone")
            return getattr(host.storage, name)

    ran: list[int] = []
    storage: Any = Flaky()
    dispatcher = ThreadDispatcher(StorageHost(storage), now=clock)
    dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
    dispatcher.on_event("placed", "note", lambda event: event.data)
    host.append_many([NewEvent("placed", {"n": 1})])
    storage.broken = True
    with pytest.raises(StorageError, match="disk"):
        dispatcher.run_until_idle()
    storage.broken = False
    dispatcher.run_until_idle()
    assert ran == [1]
    dispatcher.close()


def test_an_endless_error_text_is_cut(dispatcher: ThreadDispatcher) -> None:
    @dispatcher.worker("wordy")
    def wordy(_job: Any) -> None:
        raise ValueError("x" * 1_000_000)

    id = dispatcher.enqueue("wordy")
    dispatcher.run_until_idle()
    dead = dispatcher.get(id)
    assert dead is not None
    assert len(dead.error or "") == 4000


def test_the_wait_doubles_with_every_attempt_up_to_its_bound() -> None:
    for attempt in range(1, 12):
        full = backoff.RETRY_DELAY * 2 ** (attempt - 1)
        assert all(full / 2 <= backoff.retry_delay(attempt) <= full for _ in range(20))
    assert backoff.retry_delay(10**9) <= backoff.MAX_RETRY_DELAY


def test_jobs_that_fail_together_come_back_apart(dispatcher: ThreadDispatcher) -> None:
    @dispatcher.worker("poison", retries=1)
    def poison(_job: Any) -> None:
        raise ValueError

    for _ in range(50):
        dispatcher.enqueue("poison")
    dispatcher.run_until_idle()
    assert len({info.due for info in dispatcher.list(state="pending")}) > 40


@given(
    jobs=st.lists(st.tuples(st.integers(0, 5), st.integers(-2, 2)), max_size=30),
    times=st.lists(st.integers(0, 6), min_size=1, max_size=8).map(sorted),
)
def test_the_queue_gives_what_is_due_by_priority_then_by_due_time(
    jobs: list[tuple[int, int]], times: list[int]
) -> None:
    queue, numbers = DueQueue(), count()
    left = {
        str(number): Record(str(number), number, "job", "{}", priority, enqueued=0, due=due)
        for number, (due, priority) in zip(numbers, jobs, strict=False)
    }
    for record in left.values():
        queue.push(record)
    for now in times:
        due = [record for record in left.values() if record.due <= now]
        for record in sorted(due, key=lambda record: (-record.priority, record.due, record.number)):
            assert queue.pop(now) == (record.id, record.due)
            del left[record.id]
        assert queue.pop(now) is None


@given(steps=st.lists(st.sampled_from(["enqueue", "delay", "run", "cancel", "retry", "advance"]), max_size=40))
def test_every_enqueued_job_is_done_or_cancelled_exactly_once(steps: list[str]) -> None:
    storage, clock, ran = open_storage(), ManualClock(), []
    dispatcher = ThreadDispatcher(StorageHost(storage), workers=2, now=clock)
    dispatcher.worker("note")(lambda job: ran.append(job.id))
    ids = []
    for step in steps:
        match step:
            case "enqueue" | "delay":
                ids.append(dispatcher.enqueue("note", delay=5 if step == "delay" else 0))
            case "run":
                dispatcher.run_until_idle()
            case "cancel" | "retry":
                for id in ids[-3::2]:
                    getattr(dispatcher, step)(id)
            case _:
                clock.advance(3)
    clock.advance(10)
    dispatcher.run_until_idle()
    assert sorted(ran) == sorted(id for id in ids if dispatcher.get(id).state == "done")  # type: ignore[union-attr]
    assert dispatcher.stats()["done"] + dispatcher.stats()["cancelled"] == len(ids)
    dispatcher.close()
    storage.close()
