"""`kernel.process`: a function over every batch, and a report of what failed."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from eventlite import InvalidQueryError, NewEvent, Query


@pytest.fixture
def numbered(kernel: Any) -> Any:
    kernel.append_many([NewEvent("odd" if n % 2 else "even", {"n": n}) for n in range(1, 101)])
    return kernel


@pytest.mark.parametrize("workers", [1, 4])
def test_every_matching_event_goes_through_once(numbered: Any, workers: int) -> None:
    seen: list[int] = []
    report = numbered.process(
        Query(cmd="odd"), lambda batch: seen.extend(event.id for event in batch), batch_size=7, workers=workers
    )
    assert sorted(seen) == list(range(1, 101, 2))
    assert (report.processed, report.failed, report.errors) == (50, 0, [])


@pytest.mark.parametrize("workers", [1, 4])
def test_a_batch_that_fails_is_reported_and_the_others_go_on(numbered: Any, workers: int) -> None:
    def function(batch: list[Any]) -> None:
        if batch[0].id == 11:
            raise ValueError("no elevens")

    report = numbered.process(Query(), function, batch_size=10, workers=workers)
    assert (report.processed, report.failed) == (90, 10)
    [error] = report.errors
    assert (error.first_id, error.last_id, str(error.error)) == (11, 20, "no elevens")


def test_several_workers_run_side_by_side(numbered: Any) -> None:
    both = threading.Barrier(2, timeout=30)  # breaks unless two batches are in the function at once
    report = numbered.process(Query(), lambda batch: both.wait(), batch_size=50, workers=2)
    assert (report.processed, report.errors) == (100, [])


def test_a_report_keeps_the_first_hundred_errors(numbered: Any) -> None:
    numbered.append_many([NewEvent("x")] * 50)

    def function(batch: list[Any]) -> None:
        raise ValueError

    report = numbered.process(Query(), function, batch_size=1)
    assert (report.failed, len(report.errors), report.errors[-1].last_id) == (150, 100, 100)


def test_workers_is_a_number(numbered: Any) -> None:
    with pytest.raises(InvalidQueryError, match="workers"):
        numbered.process(Query(), print, workers=0)


@pytest.mark.filterwarnings("error")
def test_what_is_no_plain_function_is_refused(numbered):
    async def function(batch):
        """Would never run."""

    for wrong in (function, None):
        with pytest.raises(InvalidQueryError, match="plain function"):
            numbered.process(Query(), wrong)
