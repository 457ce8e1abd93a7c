"""Jobs and transactions of the store."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from eventlite.contracts import Host, JobDispatcher
from eventlite.errors import HandlerError, JobError
from eventlite.event import NewEvent
from eventlite.query import Query
from eventlite.testing.capabilities import left_out
from eventlite.testing.jobs_base import JobSuite, info_of, needs


class JobTransactionsContract(JobSuite):
    """An event and its job exist together or not at all; what a job does in its own transaction happens once."""

    def test_a_job_enqueued_in_a_transaction_exists_if_that_is_committed(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        if not dispatcher.capabilities.transactional:
            with host.transaction() as transaction, pytest.raises(JobError):
                dispatcher.enqueue("note", {"n": 1}, transaction=transaction)
            with host.transaction() as transaction, pytest.raises(JobError):
                dispatcher.enqueue_many("note", [{"n": 1}], transaction=transaction)
            left_out("transactional")
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        for fails, n in ((True, 0), (False, 1)):
            with suppress(ZeroDivisionError), host.transaction() as transaction:
                transaction.append(host.prepare([NewEvent("placed", {"n": n})]))
                dispatcher.enqueue("note", {"n": n}, transaction=transaction)
                dispatcher.enqueue_many("note", [{"n": n + 10}, {"n": n + 20}], transaction=transaction)
                _ = 1 // (not fails)
            assert dispatcher.stats()["total"] == (0 if fails else 3)
        dispatcher.run_until_idle()
        assert (ran, host.storage.count(Query())) == ([1, 11, 21], 1)

    def test_what_a_job_does_in_its_transaction_happens_with_its_end(
        self, dispatcher: JobDispatcher, host: Host
    ) -> None:
        needs(dispatcher, "transactional")

        @dispatcher.worker("charge", retries=1)
        def charge(job: Any) -> None:
            with job.transaction(result="charged") as transaction:
                transaction.append(host.prepare([NewEvent("charged", job.data)]))
                if job.attempt == 1:
                    raise ValueError("not yet")

        id = dispatcher.enqueue("charge", {"n": 1})
        dispatcher.run_until_idle()
        assert (info_of(dispatcher, id).state, host.storage.count(Query())) == ("pending", 0)
        assert dispatcher.retry(id) is False

    def test_a_job_that_is_done_in_its_transaction_is_done_whatever_follows(
        self, dispatcher: JobDispatcher, host: Host
    ) -> None:
        needs(dispatcher, "transactional")

        @dispatcher.worker("charge", retries=3)
        def charge(job: Any) -> None:
            with job.transaction(result="charged") as transaction:
                transaction.append(host.prepare([NewEvent("charged", job.data)]))
            raise ValueError("too late")

        id = dispatcher.enqueue("charge", {"n": 1})
        assert dispatcher.run_until_idle() == 1
        done = info_of(dispatcher, id)
        assert (done.state, done.result, host.storage.count(Query())) == ("done", "charged", 1)

    def test_an_inline_trigger_makes_its_job_with_the_event(
        self, dispatcher: JobDispatcher, host: Host, ran: list[Any]
    ) -> None:
        if not dispatcher.capabilities.transactional:
            with pytest.raises(JobError):
                dispatcher.on_event("placed", "note", lambda event: event.data, inline=True)
            left_out("transactional")
        dispatcher.worker("note")(lambda job: ran.append(job.data["n"]))
        dispatcher.on_event("placed", "note", lambda event: {"n": 1 // event.data["n"]}, inline=True)
        host.append_many([NewEvent("placed", {"n": 1}), NewEvent("other")])
        assert dispatcher.stats()["pending"] == 1
        with pytest.raises(HandlerError, match="ZeroDivisionError"):
            host.append_many([NewEvent("placed", {"n": 0})])
        dispatcher.run_until_idle()
        assert (ran, host.storage.head()) == ([1], 2)
        with pytest.raises(JobError, match="after"):
            dispatcher.on_event("placed", "note", lambda event: event.data, inline=True, after=0, name="again")

    def test_a_unique_job_can_be_enqueued_in_a_transaction(self, dispatcher: JobDispatcher, host: Host) -> None:
        needs(dispatcher, "transactional", "unique")
        with host.transaction() as transaction:
            first = dispatcher.enqueue("note", unique="x", transaction=transaction)
            assert dispatcher.enqueue("note", unique="x", transaction=transaction) == first
        assert dispatcher.stats()["total"] == 1
