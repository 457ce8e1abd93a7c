"""The contract of a job dispatcher, as tests."""

from __future__ import annotations

from eventlite.testing.jobs_concurrency import JobConcurrencyContract
from eventlite.testing.jobs_durability import DurabilityContract
from eventlite.testing.jobs_failing import FailingContract
from eventlite.testing.jobs_handlers import HandlersContract
from eventlite.testing.jobs_ordering import OrderingContract
from eventlite.testing.jobs_queues import QueuesContract
from eventlite.testing.jobs_recurring import RecurringContract
from eventlite.testing.jobs_running import RunningContract
from eventlite.testing.jobs_several import SeveralContract
from eventlite.testing.jobs_transactions import JobTransactionsContract
from eventlite.testing.jobs_triggers import TriggersContract
from eventlite.testing.jobs_work_loop import WorkLoopContract


class JobDispatcherContract(
    RunningContract,
    FailingContract,
    OrderingContract,
    TriggersContract,
    JobConcurrencyContract,
    DurabilityContract,
    JobTransactionsContract,
    SeveralContract,
    HandlersContract,
    QueuesContract,
    RecurringContract,
    WorkLoopContract,
):
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

    An engine whose time is that of its database can be moved, too: put a function `now` of your own before the
    database's on its search path. `workers` is how many jobs it may run at once. `host` has a real store in memory;
    for another one override `storage`. Where `capabilities.durable` is declared, override `reopen` too.
    """
